using System.Buffers.Binary;
using System.Text;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Protocol;

/// <summary>Binary arrays and composites name the types of what they hold: by the home shard's object ids, whatever shard they come from or go to.</summary>
[Collection(LabCollection.Name)]
public sealed class NestedTypeTests(Lab lab) : IAsyncLifetime
{
    private const int FirstId = 7000;
    private const int Rows = 12;
    private const string Select = "SELECT am, p, ROW(m, am, p) FROM kinds WHERE id = $1";

    private uint _mood;
    private uint _moods;
    private uint _pair;

    public async Task InitializeAsync()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        _mood = uint.Parse(await client.ScalarAsync("SELECT oid FROM pg_type WHERE typname = 'mood'"));
        _moods = uint.Parse(await client.ScalarAsync("SELECT oid FROM pg_type WHERE typname = '_mood'"));
        _pair = uint.Parse(await client.ScalarAsync("SELECT oid FROM pg_type WHERE typname = 'pair'"));
        for (var id = FirstId; id < FirstId + Rows; id++)
            await client.MustAsync($"INSERT INTO kinds (id, m, am, p) VALUES ({id}, 'ok', '{{sad,happy}}', '(5,five)')");
    }

    public async Task DisposeAsync()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        for (var id = FirstId; id < FirstId + Rows; id++)
            await client.MustAsync($"DELETE FROM kinds WHERE id = {id}");
    }

    [Fact]
    public async Task Rows_described_with_their_portal()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        for (var id = FirstId; id < FirstId + Rows; id++)
            CheckRows(await client.RunAsync(Batch(id, describe: true)), 1);
    }

    [Fact]
    public async Task Rows_of_a_statement_described_before()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.RunAsync(new FrontendScript().Parse(Select, "named").DescribeStatement("named").Sync());
        for (var round = 0; round < 2; round++)
        {
            for (var id = FirstId; id < FirstId + Rows; id++)
                CheckRows(await client.RunAsync(new FrontendScript().Bind([$"{id}"], statement: "named", resultFormat: 1).Execute().Sync()), 1);
        }
    }

    [Fact]
    public async Task Rows_of_several_portals_in_a_pipeline()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        var script = new FrontendScript().Parse(Select, "piped", 20).Parse("SELECT name, tags FROM users WHERE id = $1", "other", 20);
        for (var id = FirstId; id < FirstId + Rows; id++)
        {
            script.Bind([$"{id}"], statement: "piped", resultFormat: 1).DescribePortal().Execute();
            script.Bind([$"{id - FirstId + 1}"], statement: "other", resultFormat: 1).Execute();
        }
        var replies = await client.RunAsync(script.Sync());
        CheckRows([.. replies.Where(static reply => reply.Type != 'D' || BinaryPrimitives.ReadInt16BigEndian(reply.Body) == 3)], Rows);
        replies.Count(static reply => reply.Type == 'D' && Encoding.UTF8.GetString(reply.Body).Contains("user ")).ShouldBe(Rows);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Parameters(bool declared)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        for (var id = FirstId; id < FirstId + Rows; id++)
        {
            byte[] array = [.. Int32(1), .. Int32(0), .. Int32((int)_mood), .. Int32(1), .. Int32(1), .. Int32(3), .. "sad"u8];
            var update = new FrontendScript()
                .Parse("UPDATE kinds SET am = $2 WHERE id = $1", "", declared ? [20, _moods] : [])
                .BindBytes([Encoding.ASCII.GetBytes($"{id}"), array], [0, 1]).Execute().Sync();
            (await client.RunAsync(update)).ShouldNotContain(static reply => reply.Type == 'E');
            (await client.ScalarAsync($"SELECT am FROM kinds WHERE id = {id}")).ShouldBe("{sad}");
        }
    }

    private void CheckRows(List<WireMessage> replies, int count)
    {
        replies.ShouldNotContain(static reply => reply.Type == 'E', string.Join('\n', replies));
        var rows = replies.Where(static reply => reply.Type == 'D').ToList();
        rows.Count.ShouldBe(count);
        foreach (var row in rows)
        {
            var body = row.Body.AsSpan(2);
            var array = Take(ref body);
            OidAt(array, 8).ShouldBe(_mood);
            var pair = Take(ref body);
            OidAt(pair, 4).ShouldBe(23u);
            var record = Take(ref body);
            OidAt(record, 4).ShouldBe(_mood);
            var fields = record[8..];
            Take(ref fields);
            OidAt(fields, 0).ShouldBe(_moods);
            fields = fields[4..];
            OidAt(Take(ref fields), 8).ShouldBe(_mood);
            OidAt(fields, 0).ShouldBe(_pair);
        }
    }

    private static FrontendScript Batch(int id, bool describe)
    {
        var script = new FrontendScript().Parse(Select, "", 20).Bind([$"{id}"], resultFormat: 1);
        return (describe ? script.DescribePortal() : script).Execute().Sync();
    }

    private static uint OidAt(ReadOnlySpan<byte> value, int offset) => BinaryPrimitives.ReadUInt32BigEndian(value[offset..]);

    private static Span<byte> Take(ref Span<byte> rest)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(rest);
        var value = rest.Slice(4, length);
        rest = rest[(4 + length)..];
        return value;
    }

    private static byte[] Int32(int value) => FrontendScript.Int32(value);
}
