using System.Buffers.Binary;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;
using ShardProxy.Merging;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.IntegrationTests.Merging;

/// <summary>One server whose table of random values has a part number for each row: the parts are what shards would hold.</summary>
public sealed class MergeServer : IAsyncLifetime
{
    public const int Parts = 3;

    private readonly HashSet<string> _tables = [];
    private PostgresServer _postgres = null!;
    private WireClient _client = null!;

    public async Task InitializeAsync()
    {
        _postgres = await PostgresServer.StartAsync("merging");
        _client = await WireClient.ConnectAsync(new Endpoint(PostgresServer.Host, _postgres.Port, PostgresServer.Database, PostgresServer.AppUser, PostgresServer.Password));
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _postgres.DisposeAsync();
    }

    public Task ExecuteAsync(string sql) => _client.MustAsync(sql);

    /// <summary>A table of columns id (unique), part (0 to <see cref="Parts"/> - 1), g (few groups, or null) and v of the type.</summary>
    public async Task<string> TableAsync(string type, int seed, int rows)
    {
        var table = $"t{TypeSamples.Ordered[type]}_{seed}";
        if (!_tables.Add(table))
            return table;
        var random = new Random(seed);
        await ExecuteAsync($"CREATE TABLE {table} (id int4, part int4, g int4, v {type})");
        var values = new List<string>();
        for (var id = 0; id < rows; id++)
        {
            var value = TypeSamples.Next(type, random);
            var group = random.Next(9) == 0 ? "NULL" : (random.Next(6) * 7).ToString();
            values.Add($"({id}, {random.Next(Parts)}, {group}, {(value is null ? "NULL" : $"'{value.Replace("'", "''")}'")})");
        }
        await ExecuteAsync($"INSERT INTO {table} VALUES {string.Join(",", values)}");
        return table;
    }

    /// <summary>The rows of a statement as DataRow messages.</summary>
    public async Task<List<byte[]>> RowsAsync(string sql, params short[] formats)
    {
        byte[] bind = [0, 0, 0, 0, 0, 0, .. BigEndian((short)formats.Length), .. formats.SelectMany(BigEndian)];
        var replies = await _client.RunAsync(new FrontendScript().Parse(sql).Message('B', bind).Execute().Sync());
        replies.ShouldNotContain(static reply => reply.Type == 'E', $"{sql}: {string.Join('\n', replies)}");
        return [.. replies.Where(static reply => reply.Type == 'D').Select(Frame)];
    }

    /// <summary>Runs a statement for each part (<c>{part}</c> in its text) and merges the rows.</summary>
    internal async Task<List<byte[]>> MergeAsync(string sql, MergeSpec spec, MergeBinding binding, int seed = 1)
    {
        var random = new Random(seed);
        var formats = spec.Columns.Select(column => binding.IsBinary(column.ResultColumn) ? (short)1 : (short)0).ToArray();
        var sources = new List<IRowSource>();
        for (var part = 0; part < Parts; part++)
            sources.Add(new ScriptedSource(await RowsAsync(sql.Replace("{part}", part.ToString()), formats), random));
        return Pump(new RowMerge(spec, binding, sources));
    }

    internal static List<byte[]> Pump(RowMerge merge)
    {
        var output = new ByteBuffer();
        var rows = new List<byte[]>();
        while (true)
        {
            var state = merge.Pump(output, highWater: 256);
            while (ShardProxy.Protocol.Framing.Frame.TryRead(output.Unread, int.MaxValue, out _, out var length) == FrameStatus.Complete)
            {
                rows.Add(output.Unread[..length].ToArray());
                output.Consume(length);
            }
            if (state == MergeState.Done)
            {
                rows.Count.ShouldBe((int)merge.RowCount);
                return rows;
            }
        }
    }

    public static string Show(byte[] frame) => new WireMessage('D', frame[5..]).ToString();

    public static void ShouldBeSame(List<byte[]> actual, List<byte[]> expected, string what)
    {
        var wrong = new List<string>();
        for (var i = 0; i < Math.Max(actual.Count, expected.Count); i++)
        {
            var a = i < actual.Count ? Show(actual[i]) : "nothing";
            var e = i < expected.Count ? Show(expected[i]) : "nothing";
            if (a != e)
                wrong.Add($"row {i}: {a}, and PostgreSQL has {e}");
        }
        wrong.Take(5).ShouldBeEmpty(what);
    }

    private static byte[] Frame(WireMessage message) => [(byte)'D', .. FrontendScript.Int32(message.Body.Length + 4), .. message.Body];

    private static byte[] BigEndian(short value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        return bytes;
    }
}
