using System.Text;
using Npgsql;
using ShardProxy.Directory;
using ShardProxy.Execution.Copying;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.IntegrationTests.Execution.Copying;

/// <summary>
/// Random COPY data, sound and broken, against PostgreSQL's own reader: split over shards it gives the rows that it gives
/// unsplit, or somebody reports an error where PostgreSQL does. The splitter may refuse more, in the cases listed here.
/// </summary>
public sealed class CopySplitterAgreementTests : IAsyncLifetime
{
    private const int Rounds = 400;
    private const int ShardCount = 3;

    private static readonly TableDistribution Table = new(new QualifiedName("public", "t"), TableKind.Sharded, "k", "public.t");
    private static readonly DirectorySnapshot Snapshot = new(1, "c", [Table], DirectorySnapshot.SpreadEvenly(8, ShardCount));

    private static readonly string[] Pieces = ["a", "b", "1", "x41", "\t", ",", "\\", "\\.", "\\N", "\"", "\"\"", "\n", "\r\n", "\r", "ä", "", "NULL", " "];

    private PostgresServer _postgres = null!;

    public async Task InitializeAsync()
    {
        _postgres = await PostgresServer.StartAsync("copy-agreement");
        await _postgres.ExecuteAsync("CREATE TABLE t (k text, v text, n serial)");
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();

    [Theory]
    [InlineData("COPY t (k, v) FROM STDIN", 0, CopyFormat.Text, "\\N", '\\', 1)]
    [InlineData("COPY t (v, k) FROM STDIN (NULL 'NULL')", 1, CopyFormat.Text, "NULL", '\\', 2)]
    [InlineData("COPY t (k, v) FROM STDIN (FORMAT csv)", 0, CopyFormat.Csv, "", '"', 3)]
    [InlineData("COPY t (v, k) FROM STDIN (FORMAT csv, ESCAPE '\\', NULL 'NULL')", 1, CopyFormat.Csv, "NULL", '\\', 4)]
    public async Task Split_data_gives_the_rows_of_the_whole(string copy, int keyOrdinal, CopyFormat format, string nullText, char escape, int seed)
    {
        var random = new Random(seed);
        var options = new CopyOptions(
            format, format == CopyFormat.Csv ? (byte)',' : (byte)'\t', nullText, CopyHeader.None, (byte)'"', (byte)escape,
            ForceNullOnKey: false, ForceNotNullOnKey: false, DefaultText: null, Encoding: null);
        await using var connection = new NpgsqlConnection(_postgres.ConnectionString);
        await connection.OpenAsync();
        var split = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var data = RandomData(random, (char)options.Delimiter);
            var whole = await CopyAsync(connection, copy, data);
            var (error, shards) = Split(options, keyOrdinal, Encoding.UTF8.GetBytes(data), random);
            if (error is not null)
            {
                if (whole is not null)
                    (error is "23502" || data.Contains("\\.", StringComparison.Ordinal)).ShouldBeTrue($"{error} for {Show(data)}");
                continue;
            }
            var parts = new List<(string, string?)>();
            var failed = false;
            foreach (var shard in shards)
            {
                var rows = await CopyAsync(connection, copy, shard);
                failed |= rows is null;
                parts.AddRange(rows ?? []);
            }
            failed.ShouldBe(whole is null, Show(data));
            if (whole is null)
                continue;
            split++;
            parts.Order().ShouldBe(whole.Order(), Show(data));
        }
        split.ShouldBeGreaterThan(Rounds / 10);
    }

    private static string RandomData(Random random, char delimiter)
    {
        var lineEnd = new[] { "\n", "\n", "\r\n", "\r" }[random.Next(4)];
        var data = new StringBuilder();
        for (var row = random.Next(6); row >= 0; row--)
            data.Append("key").Append(random.Next(9)).Append(delimiter).Append("value").Append(lineEnd);
        for (var change = random.Next(4); change > 0; change--)
            data.Insert(random.Next(data.Length + 1), Pieces[random.Next(Pieces.Length)]);
        if (random.Next(4) == 0)
            data.Length--;
        return data.ToString();
    }

    private (string? Error, List<string> Shards) Split(CopyOptions options, int keyOrdinal, byte[] data, Random random)
    {
        var outputs = Enumerable.Range(0, ShardCount).Select(static _ => new ByteBuffer()).ToArray();
        var plan = new CopyPlan(From: true, Table, keyOrdinal, new KeyType(25, -1), 2, options);
        var settings = new CopySplitterSettings("UTF8", "UTF8", _postgres.Major * 10000, 1 << 20);
        CopySplitter.TryCreate(plan, Snapshot, outputs, Hash, settings, out var splitter, out _).ShouldBeTrue();
        for (var position = 0; position < data.Length;)
        {
            var count = Math.Min(random.Next(1, 9), data.Length - position);
            splitter!.Feed(data.AsSpan(position, count));
            position += count;
        }
        splitter!.Complete();
        return (splitter.Error?.SqlState, [.. outputs.Select(static output => Payload(output.Unread))]);
    }

    private static KeyHashResult Hash(ReadOnlySpan<byte> key, bool binary, out ulong hash)
    {
        hash = 0;
        foreach (var value in key)
            hash = (hash * 31) + value;
        return KeyHashResult.Hashed;
    }

    private static string Payload(ReadOnlySpan<byte> frames)
    {
        var payload = new StringBuilder();
        while (!frames.IsEmpty)
        {
            Frame.TryRead(frames, int.MaxValue, out _, out var length);
            payload.Append(Encoding.UTF8.GetString(frames[Frame.HeaderLength..length]));
            frames = frames[length..];
        }
        return payload.ToString();
    }

    /// <summary>The rows that the server makes of the data; null when it reports an error.</summary>
    private static async Task<List<(string Key, string? Value)>?> CopyAsync(NpgsqlConnection connection, string copy, string data)
    {
        await using (var truncate = new NpgsqlCommand("TRUNCATE t", connection))
            await truncate.ExecuteNonQueryAsync();
        try
        {
            await using var import = await connection.BeginTextImportAsync(copy);
            await import.WriteAsync(data);
        }
        catch (PostgresException error) when (error.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            return null;
        }
        var rows = new List<(string, string?)>();
        await using var command = new NpgsqlCommand("SELECT coalesce(k, '(null)'), v FROM t ORDER BY n", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            rows.Add((reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1)));
        return rows;
    }

    private static string Show(string data) => System.Text.Json.JsonSerializer.Serialize(data);
}
