using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Protocol;

/// <summary>COPY in both directions, in every format and with every option, into sharded, reference and home tables.</summary>
[Collection(LabCollection.Name)]
public sealed class CopyTests(Lab lab) : IAsyncLifetime
{
    private const int Rows = 500;

    private readonly Differential _differential = new(lab);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _differential.SameAsync("DELETE FROM notes WHERE id >= 5000", "TRUNCATE events", "TRUNCATE k_int8", "TRUNCATE k_text");

    public static TheoryData<string, string> Formats => new()
    {
        { "COPY k_int8 FROM STDIN", "{0}\tvalue {0}\n" },
        { "COPY k_int8 (v, k) FROM STDIN", "value {0}\t{0}\n" },
        { "COPY k_int8 (k) FROM STDIN", "{0}\n" },
        { "COPY public.k_int8 FROM STDIN WITH (FORMAT text, DELIMITER '|', NULL 'none')", "{0}|none\n" },
        { "COPY k_int8 FROM STDIN (DELIMITER ',')", "{0},a\\,b\\\\c\\td\\x41\\101\\N\n" },
        { "COPY k_int8 FROM STDIN WITH DELIMITER ';' NULL ''", "{0};\n" },
        { "COPY k_int8 FROM STDIN CSV", "{0},value\n" },
        { "COPY k_int8 FROM STDIN (FORMAT csv)", "\"{0}\",\"a \"\"quoted\"\" word, and\na new line\"\n" },
        { "COPY k_int8 FROM STDIN (FORMAT csv)", "{0},\"crlf\r\ninside\"\n" },
        { "COPY k_int8 FROM STDIN (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\\')", "'{0}';'it\\'s; \\\\ here'\n" },
        { "COPY k_int8 (v, k) FROM STDIN (FORMAT csv, NULL 'nil', FORCE_NOT_NULL (v))", "nil,{0}\n" },
        { "COPY k_int8 FROM STDIN (FORMAT csv, FORCE_NULL (v))", "{0},\"\"\n" },
        { "COPY k_int8 FROM STDIN", "{0}\tends with crlf\r\n" },
        { "COPY k_int8 FROM STDIN", " {0} \tblanks around the key\n" },
        { "COPY k_text (k, v) FROM STDIN", "key\\t{0}\\n\tescaped\n" },
        { "COPY k_text FROM STDIN (FORMAT csv)", "\"key, \"\"{0}\"\"\",x\n" },
        { "COPY k_text FROM STDIN (ENCODING 'LATIN1')", "key {0}\tx\n" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Rows_are_split_over_the_shards(string copy, string row)
    {
        var data = string.Concat(Enumerable.Range(1, Rows).Select(number => string.Format(CultureInfo.InvariantCulture, row, number)));
        var table = copy.Contains("k_text", StringComparison.Ordinal) ? "k_text" : "k_int8";
        await _differential.SameAsync(CopyIn(copy, data));
        await SameRowsAsync(table);
        await AllPlacedAsync(table, table == "k_text" ? "text" : "int8", Rows);
        // Again, cut into pieces that end anywhere: inside of rows, quotes and escapes.
        await _differential.SameAsync(new FrontendScript().Query($"TRUNCATE {table}"), CopyIn(copy, data, 7));
        await SameRowsAsync(table);
    }

    [Fact]
    public async Task A_header_line_is_no_row()
    {
        await _differential.SameAsync(CopyIn("COPY k_int8 FROM STDIN (FORMAT csv, HEADER)", "k,v\n1,a\n2,b\n"));
        await _differential.SameAsync(CopyIn("COPY k_int8 FROM STDIN (FORMAT csv, HEADER MATCH)", "k,v\n3,a\n4,b\n"));
        await _differential.SameAsync(CopyIn("COPY k_int8 FROM STDIN (FORMAT csv, HEADER MATCH)", "v,k\n5,a\n6,b\n"));
        await _differential.SameAsync(CopyIn("COPY k_int8 FROM STDIN (FORMAT text, HEADER true)", "k\tv\n7\ta\n"));
        await SameRowsAsync("k_int8");
    }

    [Fact]
    public async Task A_time_that_is_left_out_is_one_for_all_rows()
    {
        if (Lab.IsDirect)
            return;
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync(
            "CREATE TABLE stamped (id bigserial, k int4 NOT NULL, v text, at timestamptz NOT NULL DEFAULT now(), local timestamp(3) DEFAULT LOCALTIMESTAMP, day date DEFAULT CURRENT_DATE + 1, clock time DEFAULT LOCALTIME, word varchar(40) DEFAULT now()::text)");
        await client.MustAsync("SELECT create_distributed_table('stamped', 'k')");
        await client.MustAsync("SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Kolkata'");
        var scripts = (FrontendScript[])
        [
            CopyIn("COPY stamped (k, v) FROM STDIN", string.Concat(Enumerable.Range(1, 30).Select(static number => $"{number}\tvalue\n"))),
            CopyIn("COPY stamped (k) FROM STDIN (DELIMITER ':')", string.Concat(Enumerable.Range(1, 30).Select(static number => $"{number}\r\n"))),
            CopyIn("COPY stamped (v, k) FROM STDIN (FORMAT csv, DELIMITER ' ', HEADER)", "v k\n" + string.Concat(Enumerable.Range(1, 30).Select(static number => $"a {number}\n"))),
            new FrontendScript().Query("COPY stamped (k) FROM STDIN BINARY").CopyData(BinaryKeys(30)).CopyDone(),
        ];
        foreach (var script in scripts)
        {
            await client.MustAsync("BEGIN");
            (await client.RunAsync(script)).ShouldNotContain(static message => message.Type == 'E');
            await client.MustAsync("COMMIT");
            (await client.ScalarAsync("SELECT concat_ws(' ', count(*), count(DISTINCT id), count(DISTINCT at), count(DISTINCT local), count(DISTINCT day), count(DISTINCT clock), count(DISTINCT word)) FROM stamped"))
                .ShouldBe("30 30 1 1 1 1 1");
            (await client.ScalarAsync(
                """
                SELECT bool_and(at > clock_timestamp() - interval '1 hour' AND at <= clock_timestamp() AND local = at::timestamp(3) AND day = at::date + 1 AND clock = at::time AND word = at::text)
                FROM stamped
                """)).ShouldBe("t");
            await client.MustAsync("DELETE FROM stamped");
        }
        (await client.QueryAsync("COPY stamped (k) FROM STDIN (FORMAT csv, HEADER MATCH)")).Single(static message => message.Type == 'E').SqlState.ShouldBe("0A000");
        await client.MustAsync("DROP TABLE stamped");
    }

    /// <summary>The header, a row for each key from 1, and the trailer.</summary>
    private static byte[] BinaryKeys(int count)
    {
        var data = new List<byte>([.. "PGCOPY\n"u8, 0xff, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for (var key = 1; key <= count; key++)
            data.AddRange([0, 1, 0, 0, 0, 4, 0, 0, 0, (byte)key]);
        data.AddRange([0xff, 0xff]);
        return [.. data];
    }

    [Fact]
    public async Task The_end_of_data_mark_ends_the_data()
    {
        await _differential.SameAsync(CopyIn("COPY k_int8 FROM STDIN", "1\ta\n\\.\n"));
        await _differential.SameAsync(CopyIn("COPY k_int8 FROM STDIN CSV", "2,b\n\\.\n"));
        await _differential.SameAsync(CopyIn("COPY k_int8 FROM STDIN", "3\tno new line at the end"));
        await _differential.SameAsync(CopyIn("COPY k_int8 FROM STDIN", ""));
        await SameRowsAsync("k_int8");
    }

    [Fact]
    public async Task Binary_rows_are_split()
    {
        var client = await WireClient.ConnectAsync(lab.Reference);
        var data = (await client.MustAsync("COPY (SELECT n::int8, 'binary ' || n FROM generate_series(1, 500) n UNION ALL SELECT -1, NULL) TO STDOUT (FORMAT binary)"))
            .Where(static message => message.Type == 'd').SelectMany(static message => message.Body).ToArray();
        await client.DisposeAsync();
        foreach (var piece in (int[])[data.Length, 13])
        {
            var script = new FrontendScript().Query("COPY k_int8 FROM STDIN (FORMAT binary)");
            foreach (var chunk in data.Chunk(piece))
                script.CopyData(chunk);
            await _differential.SameAsync(new FrontendScript().Query("TRUNCATE k_int8"), script.CopyDone());
            await SameRowsAsync("k_int8");
        }
        await AllPlacedAsync("k_int8", "int8", 501);
    }

    [Theory]
    [InlineData("COPY k_int8 FROM STDIN", "1\ta\nx\tb\n")]
    [InlineData("COPY k_int8 FROM STDIN", "1\ta\n1\tb\n")]
    [InlineData("COPY k_int8 FROM STDIN", "1\ta\tc\n")]
    [InlineData("COPY k_int8 FROM STDIN", "1\n")]
    [InlineData("COPY k_int8 FROM STDIN", "1\ta\n\n")]
    [InlineData("COPY k_int8 FROM STDIN CSV", "1,\"open\n")]
    [InlineData("COPY k_int8 FROM STDIN (FORMAT binary)", "PGCOPY\n garbage")]
    [InlineData("COPY k_int8 (nothing) FROM STDIN", "")]
    [InlineData("COPY missing_table FROM STDIN", "")]
    [InlineData("COPY k_int8 FROM STDIN (FORMAT none)", "")]
    public async Task Bad_data_stores_nothing(string copy, string data)
    {
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        var expected = await CopyOutcomeAsync(reference, copy, data);
        var actual = await CopyOutcomeAsync(subject, copy, data);
        actual.SqlState.ShouldBeOneOf([expected.SqlState, "0A000"], actual.ToString());
        (await subject.ScalarAsync("SELECT 1")).ShouldBe("1");
        await NothingStoredAsync("k_int8");
    }

    [Theory]
    [InlineData("COPY items FROM STDIN", "{0}\t1\t1\t{1}\n", "0")]
    [InlineData("COPY items FROM STDIN CSV HEADER", "{0},1,1,\"{1}\"\n", "x")]
    [InlineData("COPY items FROM STDIN CSV", "{0},1,1,\"{1}\"\n", "\n")]
    public async Task A_bad_row_is_said_by_its_line(string copy, string row, string bad)
    {
        var lines = Enumerable.Range(1000, 60).Select(key => string.Format(CultureInfo.InvariantCulture, row, key, key == 1041 ? bad : "1"));
        var data = (copy.EndsWith("HEADER", StringComparison.Ordinal) ? "a,b,c,d\n" : "") + string.Concat(lines);
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        var expected = await CopyOutcomeAsync(reference, copy, data);
        var actual = await CopyOutcomeAsync(subject, copy, data);
        actual.SqlState.ShouldBe(expected.SqlState);
        actual.Fields['W'].ShouldBe(expected.Fields['W']);
    }

    [Fact]
    public async Task A_null_key_is_refused()
    {
        if (Lab.IsDirect)
            return;
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        var error = await CopyOutcomeAsync(client, "COPY k_int8 FROM STDIN", "1\ta\n\\N\tb\n");
        error.SqlState.ShouldBeOneOf("23502", "0A000");
        await NothingStoredAsync("k_int8");
    }

    [Fact]
    public async Task A_client_that_gives_up_stores_nothing()
    {
        await using (var client = await WireClient.ConnectAsync(lab.Subject))
        {
            var replies = await client.RunAsync(
                new FrontendScript().Query("COPY k_int8 FROM STDIN").CopyData("1\ta\n2\tb\n3\tc\n4\td\n").CopyFail("changed my mind"));
            var error = replies.Single(static message => message.Type == 'E');
            error.SqlState.ShouldBe("57014");
            error.Fields['M'].ShouldBe("COPY from stdin failed: changed my mind");
            (await client.ScalarAsync("SELECT 1")).ShouldBe("1");
        }
        await NothingStoredAsync("k_int8");
        await using (var client = await WireClient.ConnectAsync(lab.Subject))
        {
            await client.SendAsync(new FrontendScript().Query("COPY k_int8 FROM STDIN").CopyData("1\ta\n2\tb\n3\tc\n4\td\n"));
            (await client.ReceiveAsync()).Type.ShouldBe('G');
        }
        await NothingStoredAsync("k_int8");
    }

    [Fact]
    public async Task In_a_transaction()
    {
        await _differential.SameAsync(
            new FrontendScript().Query("BEGIN"),
            CopyIn("COPY notes FROM STDIN", "5001\ta\n5002\tb\n"),
            new FrontendScript().Query("SELECT count(*) FROM notes"),
            new FrontendScript().Query("ROLLBACK"),
            new FrontendScript().Query("SELECT count(*) FROM notes"));
        await _differential.SameAsync(
            new FrontendScript().Query("BEGIN"),
            CopyIn("COPY orders (user_id, id, amount) FROM STDIN", "7\t5001\t1\n7\t5002\t2\n"),
            new FrontendScript().Query("SELECT count(*) FROM orders WHERE user_id = 7"),
            new FrontendScript().Query("ROLLBACK"));
    }

    [Fact]
    public async Task A_reference_table_gets_every_row_on_every_shard()
    {
        await _differential.SameAsync(CopyIn("COPY products FROM STDIN CSV", "5001,a,1\n5002,\"b\nc\",2\n"));
        await _differential.SameAsync("SELECT * FROM products WHERE id > 5000 ORDER BY id");
        foreach (var shard in lab.Cluster.Shards)
            (await shard.ScalarAsync<long>("SELECT count(*) FROM products WHERE id > 5000")).ShouldBe(2);
        await LabSchema.RefillProductsAsync(lab.Reference);
        await LabSchema.RefillProductsAsync(lab.Subject);
    }

    [Fact]
    public Task A_home_table_and_out_of_it() => _differential.SameAsync(
        CopyIn("COPY notes FROM STDIN", "5001\ta\n5002\t\\N\n"),
        new FrontendScript().Query("COPY notes TO STDOUT"),
        new FrontendScript().Query("COPY notes (body, id) TO STDOUT (FORMAT csv, HEADER)"),
        new FrontendScript().Query("COPY (SELECT * FROM notes ORDER BY id DESC) TO STDOUT (DELIMITER '|')"),
        new FrontendScript().Query("COPY products TO STDOUT (FORMAT binary)"),
        new FrontendScript().Query("COPY (SELECT name FROM users WHERE id = 4) TO STDOUT"),
        new FrontendScript().Query("COPY (VALUES (1, 'a')) TO STDOUT CSV"));

    [Theory]
    [InlineData("COPY k_int8 TO STDOUT")]
    [InlineData("COPY k_int8 (v, k) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)")]
    [InlineData("COPY k_int8 TO STDOUT (FORMAT csv, DELIMITER '|', NULL 'nil')")]
    [InlineData("COPY k_int8 TO STDOUT (FORMAT binary)")]
    public async Task A_sharded_table_comes_out_as_one(string copy)
    {
        var data = string.Concat(Enumerable.Range(1, Rows).Select(static number => $"{number}\t{(number % 7 == 0 ? "\\N" : "value")}\n"));
        await _differential.SameAsync(CopyIn("COPY k_int8 FROM STDIN", data));
        var expected = await CopyOutAsync(lab.Reference, copy);
        var actual = await CopyOutAsync(lab.Subject, copy);
        // A shard's rows come in its own order, so they are compared as a set; but a header stays first.
        if (copy.Contains("HEADER", StringComparison.Ordinal))
            actual.Data[0].ShouldBe(expected.Data[0]);
        Sorted(actual.Data).ShouldBe(Sorted(expected.Data));
        actual.Tag.ShouldBe(expected.Tag);
    }

    [Fact]
    public async Task More_data_than_fits_anywhere_at_once()
    {
        var script = new FrontendScript().Query("COPY k_int8 FROM STDIN");
        for (var chunk = 0; chunk < 200; chunk++)
            script.CopyData(string.Concat(Enumerable.Range(chunk * 100, 100).Select(static number => $"{number}\t{new string('v', 1000)}\n")));
        await _differential.SameAsync(script.CopyDone());
        await AllPlacedAsync("k_int8", "int8", 20_000);
        (await CopyOutAsync(lab.Subject, "COPY k_int8 TO STDOUT")).Data.Count.ShouldBe(20_000);
    }

    private static FrontendScript CopyIn(string copy, string data, int piece = int.MaxValue)
    {
        var script = new FrontendScript().Query(copy);
        foreach (var chunk in Encoding.UTF8.GetBytes(data).Chunk(piece))
            script.CopyData(chunk);
        return script.CopyDone();
    }

    private static async Task<WireMessage> CopyOutcomeAsync(WireClient client, string copy, string data)
    {
        var replies = await client.RunAsync(CopyIn(copy, data));
        return replies.First(static message => message.Type is 'E' or 'C');
    }

    private static async Task<(List<string> Data, string Tag)> CopyOutAsync(Endpoint endpoint, string copy)
    {
        await using var client = await WireClient.ConnectAsync(endpoint);
        var replies = await client.MustAsync(copy);
        var data = replies.Where(static message => message.Type == 'd').ToList();
        var rows = copy.Contains("binary", StringComparison.Ordinal)
            ? BinaryRows([.. data.SelectMany(static message => message.Body)])
            : [.. data.Select(static message => message.ToString())];
        return (rows, replies.Single(static message => message.Type == 'C').CommandTag);
    }

    /// <summary>The rows between one signature and one end mark, in hexadecimal.</summary>
    private static List<string> BinaryRows(byte[] data)
    {
        // PostgreSQL documentation, COPY, "Binary Format": 11 bytes of signature, flags, length of the extension.
        const int HeaderLength = 19;
        Encoding.Latin1.GetString(data, 0, 11).ShouldBe("PGCOPY\n\u00ff\r\n\0");
        var rows = new List<string>();
        var position = HeaderLength;
        while (BinaryPrimitives.ReadInt16BigEndian(data.AsSpan(position)) is var columns and >= 0)
        {
            var start = position;
            position += 2;
            for (; columns > 0; columns--)
                position += 4 + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(data.AsSpan(position)));
            rows.Add(Convert.ToHexString(data.AsSpan(start, position - start)));
        }
        (position + 2).ShouldBe(data.Length, "nothing follows the end mark");
        return rows;
    }

    private static List<string> Sorted(List<string> lines) => [.. lines.Order(StringComparer.Ordinal)];

    private async Task SameRowsAsync(string table)
    {
        var expected = await CopyOutAsync(lab.Reference, $"COPY {table} TO STDOUT");
        var actual = await CopyOutAsync(lab.Subject, $"COPY {table} TO STDOUT");
        Sorted(actual.Data).ShouldBe(Sorted(expected.Data));
    }

    /// <summary>A client that is faster than the server fills the proxy's buffer, and the server's next look empties it all at once: the proxy once waited for more news than that.</summary>
    [Fact]
    public async Task A_home_table_takes_what_comes_faster_than_it_can()
    {
        const int Rows = 400_000;
        await using var connection = await lab.Subject.OpenAsync();
        await using var command = new NpgsqlCommand("CREATE TABLE filled (id int4, t char(84))", connection);
        await command.ExecuteNonQueryAsync();
        var rows = string.Concat(Enumerable.Repeat($"1\t{new string('x', 84)}\n", Rows / 400));
        for (var round = 0; round < 3; round++)
        {
            await using var writer = await connection.BeginTextImportAsync("COPY filled FROM STDIN");
            for (var part = 0; part < 400; part++)
                await writer.WriteAsync(rows).WaitAsync(Until.Patience);
        }
        command.CommandText = "SELECT count(*) FROM filled";
        (await command.ExecuteScalarAsync()).ShouldBe(3L * Rows);
        command.CommandText = "DROP TABLE filled";
        await command.ExecuteNonQueryAsync();
    }

    private async Task AllPlacedAsync(string table, string type, long rows)
    {
        if (Lab.IsDirect)
            return;
        var stored = 0L;
        for (var shard = 0; shard < lab.Cluster.Shards.Count; shard++)
        {
            stored += await Placement.RowsAsync(lab.Cluster.Shards[shard], table);
            (await Placement.MisplacedRowsAsync(lab.Cluster.Shards[shard], shard, lab.Cluster.Shards.Count, table, "k", type)).ShouldBe(0);
        }
        stored.ShouldBe(rows);
    }

    private async Task NothingStoredAsync(string table)
    {
        foreach (var shard in lab.Cluster.Shards)
            (await Placement.RowsAsync(shard, table)).ShouldBe(0);
    }
}
