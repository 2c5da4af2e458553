using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>Every key type, its values in every spelling: found again where they were stored, and stored where PostgreSQL's own hash says.</summary>
[Collection(LabCollection.Name)]
public sealed class KeyTypeTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    public static TheoryData<string> Types => [.. LabSchema.KeyTypes.Select(static type => type.Name)];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Rows_are_written_and_found_by_literals(string name)
    {
        var (_, type, values) = LabSchema.KeyTypes.Single(entry => entry.Name == name);
        // A cast with a length may shorten the value, so that it is allowed to be refused.
        var cast = type.Split('(')[0];
        List<string> statements = [];
        foreach (var value in values)
        {
            statements.Add($"INSERT INTO k_{name} (k, v) VALUES ('{value}', 'first')");
            statements.Add($"INSERT INTO k_{name} VALUES ('{value}'::{(cast == "char" ? "bpchar" : cast)}, 'again')");
            statements.Add($"SELECT * FROM k_{name} WHERE k = '{value}'");
            statements.Add($"SELECT v FROM k_{name} AS t WHERE t.k = CAST('{value}' AS {(cast == "char" ? "bpchar" : cast)})");
            statements.Add($"SELECT count(*) FROM k_{name} WHERE k IN ('{value}')");
            statements.Add($"UPDATE k_{name} SET v = v || '!' WHERE '{value}' = k RETURNING k, v");
            statements.Add($"DELETE FROM k_{name} WHERE k = '{value}' AND v = 'other'");
            statements.Add($"INSERT INTO k_{name} (v, k) VALUES ('second', '{value}') ON CONFLICT (k) DO UPDATE SET v = excluded.v RETURNING *");
            statements.Add($"DELETE FROM k_{name} WHERE k = '{value}'");
        }
        await _differential.SameInAllProtocolsAsync([.. statements]);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Rows_are_written_and_found_by_parameters_of_both_formats(string name)
    {
        var (_, type, values) = LabSchema.KeyTypes.Single(entry => entry.Name == name);
        List<FrontendScript> scripts = [];
        foreach (var value in values)
        {
            var text = value.Replace("''", "'");
            var binary = await BinaryAsync($"'{value}'::{type}");
            scripts.Add(new FrontendScript().Run($"INSERT INTO k_{name} (k, v) VALUES ($1, $2)", [text, "by text"]).Sync());
            scripts.Add(WithBinaryKey($"SELECT * FROM k_{name} WHERE k = $1", binary));
            scripts.Add(WithBinaryKey($"UPDATE k_{name} SET v = 'by binary' WHERE k = $1", binary));
            scripts.Add(new FrontendScript().Run($"SELECT * FROM k_{name} WHERE k = $1", [text], resultFormat: 1).Sync());
            scripts.Add(new FrontendScript().Run($"SELECT * FROM k_{name} WHERE k = ANY($1)", [ArrayLiteral(text)]).Sync());
            scripts.Add(new FrontendScript().Run($"DELETE FROM k_{name} WHERE k = $1", [text]).Sync());
            scripts.Add(WithBinaryKey($"INSERT INTO k_{name} (k) VALUES ($1)", binary));
            scripts.Add(new FrontendScript().Run($"DELETE FROM k_{name} WHERE k = $1 RETURNING k", [text]).Sync());
        }
        await _differential.SameAsync([.. scripts]);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Rows_stand_on_the_shard_that_the_hash_says(string name)
    {
        if (Lab.IsDirect)
            return;
        var (_, type, values) = LabSchema.KeyTypes.Single(entry => entry.Name == name);
        await using (var client = await WireClient.ConnectAsync(lab.Subject))
        {
            foreach (var value in values)
                await client.MustAsync($"INSERT INTO k_{name} (k, v) VALUES ('{value}', 'placed')");
        }
        try
        {
            var stored = 0L;
            for (var shard = 0; shard < lab.Cluster.Shards.Count; shard++)
            {
                stored += await Placement.RowsAsync(lab.Cluster.Shards[shard], "k_" + name);
                (await Placement.MisplacedRowsAsync(lab.Cluster.Shards[shard], shard, lab.Cluster.Shards.Count, "k_" + name, "k", type)).ShouldBe(0);
            }
            stored.ShouldBe(values.Length);
        }
        finally
        {
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            await client.MustAsync($"TRUNCATE k_{name}");
        }
    }

    [Fact]
    public async Task Integers_are_found_whatever_integer_type_the_parameter_has()
    {
        byte[] two = [0, 2];
        byte[] four = [0, 0, 0, 7];
        byte[] eight = [0, 0, 0, 0, 0, 0, 0, 7];
        await _differential.SameAsync(
            new FrontendScript().Parse("SELECT id, name FROM users WHERE id = $1", types: 21).BindBytes([two], [1]).Execute().Sync(),
            new FrontendScript().Parse("SELECT id, name FROM users WHERE id = $1", types: 23).BindBytes([four], [1]).Execute().Sync(),
            new FrontendScript().Parse("SELECT id, name FROM users WHERE id = $1", types: 20).BindBytes([eight], [1]).Execute().Sync(),
            new FrontendScript().Parse("SELECT id, name FROM users WHERE id = $1::int4").BindBytes([four], [1]).Execute().Sync());
    }

    [Theory]
    [InlineData("SELECT name FROM users WHERE id = 7.0")]
    [InlineData("SELECT name FROM users WHERE id = 7.5")]
    [InlineData("SELECT name FROM users WHERE id = '7'")]
    [InlineData("SELECT name FROM users WHERE id = ' 7 '")]
    [InlineData("SELECT name FROM users WHERE id = -(-7)")]
    [InlineData("SELECT name FROM users WHERE id = 3 + 4")]
    [InlineData("SELECT name FROM users WHERE id = 7::int2")]
    [InlineData("SELECT name FROM users WHERE id = 7::text::int")]
    [InlineData("SELECT name FROM users WHERE id = 7e0")]
    [InlineData("SELECT name FROM users WHERE id = '7'::numeric")]
    [InlineData("SELECT name FROM users WHERE id = 7::float8")]
    [InlineData("SELECT name FROM users WHERE id = 99999999999999999999")]
    [InlineData("SELECT name FROM users WHERE id = 'seven'")]
    [InlineData("SELECT name FROM users WHERE id = NULL")]
    [InlineData("SELECT name FROM users WHERE id IS NULL")]
    [InlineData("SELECT name FROM users WHERE id = 0x7")]
    [InlineData("SELECT v FROM k_char WHERE k = 'a         '")]
    [InlineData("SELECT v FROM k_char WHERE k = 'a '::text")]
    [InlineData("SELECT v FROM k_varchar WHERE k = 'a'::char(3)")]
    [InlineData("SELECT v FROM k_text WHERE k = 'a'::char(3)")]
    [InlineData("SELECT v FROM k_text WHERE k = E'\\x61'")]
    [InlineData("SELECT v FROM k_text WHERE k = U&'\\0061'")]
    [InlineData("SELECT v FROM k_text WHERE k = $$a$$")]
    [InlineData("SELECT v FROM k_text WHERE k = 'a' 'b'")]
    [InlineData("SELECT v FROM k_numeric WHERE k = 1.5000")]
    [InlineData("SELECT v FROM k_numeric WHERE k = -0.0")]
    [InlineData("SELECT v FROM k_numeric WHERE k = 15e-1")]
    [InlineData("SELECT v FROM k_numeric WHERE k = 1::int2")]
    [InlineData("SELECT v FROM k_numeric WHERE k = 1.5::float8")]
    [InlineData("SELECT v FROM k_timestamptz WHERE k = '2000-01-01 01:00:00+01'")]
    [InlineData("SELECT v FROM k_timestamptz WHERE k = '2000-01-01'::date")]
    [InlineData("SELECT v FROM k_timestamp WHERE k = '2000-01-01 00:00:00+05'")]
    [InlineData("SELECT v FROM k_timestamp WHERE k = '2000-01-01'::date")]
    [InlineData("SELECT v FROM k_timestamp WHERE k = '2000-01-01 00:00:00+05'::timestamptz")]
    [InlineData("SELECT v FROM k_date WHERE k = 'January 1, 2000'")]
    [InlineData("SELECT v FROM k_date WHERE k = '2000-01-01 00:00:00'::timestamp")]
    [InlineData("SELECT v FROM k_date WHERE k = '20000101'")]
    [InlineData("SELECT v FROM k_date WHERE k = 'today'")]
    [InlineData("SELECT v FROM k_date WHERE k = '5874897-12-31'")]
    [InlineData("SELECT v FROM k_varchar WHERE k = 'abc'::varchar(1)")]
    [InlineData("SELECT v FROM k_varchar WHERE k = 'abc'::char(1)")]
    [InlineData("SELECT v FROM k_numeric WHERE k = 1.49::numeric(3,1)")]
    [InlineData("SELECT v FROM k_timestamp WHERE k = '2000-01-01 00:00:00.4'::timestamp(0)")]
    [InlineData("SELECT v FROM k_bool WHERE k")]
    [InlineData("SELECT v FROM k_bool WHERE NOT k")]
    [InlineData("SELECT v FROM k_bool WHERE k = 'yes'")]
    [InlineData("SELECT v FROM k_bool WHERE k IS TRUE")]
    [InlineData("SELECT v FROM k_uuid WHERE k = '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'")]
    [InlineData("SELECT v FROM k_uuid WHERE k = 'A0EEBC999C0B4EF8BB6D6BB9BD380A11'")]
    [InlineData("SELECT v FROM k_bytea WHERE k = '\\xDEADBEEF'")]
    [InlineData("SELECT v FROM k_bytea WHERE k = E'\\\\336\\\\255\\\\276\\\\357'")]
    public async Task Unusual_spellings_of_a_key_give_the_right_rows_or_are_refused(string statement)
    {
        string[] rows =
        [
            "INSERT INTO k_char VALUES ('a', '1')", "INSERT INTO k_varchar VALUES ('a', '1')", "INSERT INTO k_varchar VALUES ('a  ', '2')",
            "INSERT INTO k_text VALUES ('a', '1')", "INSERT INTO k_text VALUES ('a  ', '2')", "INSERT INTO k_text VALUES ('ab', '3')",
            "INSERT INTO k_numeric VALUES (1.5, '1')", "INSERT INTO k_numeric VALUES (0, '2')", "INSERT INTO k_numeric VALUES (1, '3')",
            "INSERT INTO k_timestamptz VALUES ('2000-01-01 00:00:00+00', '1')", "INSERT INTO k_timestamp VALUES ('2000-01-01 00:00:00', '1')",
            "INSERT INTO k_timestamp VALUES ('1999-12-31 19:00:00', '2')", "INSERT INTO k_date VALUES ('2000-01-01', '1')",
            "INSERT INTO k_bool VALUES (true, '1')", "INSERT INTO k_bool VALUES (false, '2')",
            "INSERT INTO k_uuid VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '1')", "INSERT INTO k_bytea VALUES ('\\xdeadbeef', '1')",
        ];
        string[] tables = ["k_char", "k_varchar", "k_text", "k_numeric", "k_timestamptz", "k_timestamp", "k_date", "k_bool", "k_uuid", "k_bytea"];
        var table = tables.FirstOrDefault(name => statement.Contains(name + " ", StringComparison.Ordinal));
        string[] needed = table is null ? [] : [.. rows.Where(row => row.Contains(table + " ", StringComparison.Ordinal))];
        try
        {
            await _differential.SameAsync(needed.Length == 0 ? ["SELECT 1"] : needed);
            await _differential.RightOrRefusedAsync(statement);
        }
        finally
        {
            if (table is not null)
                await _differential.SameAsync($"TRUNCATE {table}");
        }
    }

    private static FrontendScript WithBinaryKey(string sql, byte[] key) =>
        new FrontendScript().Parse(sql).BindBytes([key], [1]).DescribePortal().Execute().Sync();

    private static string ArrayLiteral(string element) => "{\"" + element.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\"}";

    private async Task<byte[]> BinaryAsync(string expression)
    {
        await using var client = await WireClient.ConnectAsync(lab.Reference);
        var replies = await client.RunAsync(new FrontendScript().Run($"SELECT {expression}", resultFormat: 1).Sync());
        return replies.Single(static message => message.Type == 'D').Values[0]!;
    }
}
