using System.Buffers.Binary;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>Filters with parameters that the shards look at: every type, both formats, declared and not, and errors as one PostgreSQL has them.</summary>
[Collection(LabCollection.Name)]
public sealed class ParameterFilterTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("i4 = $1", "1")]
    [InlineData("i4 = $1::int8", "1")]
    [InlineData("i8 BETWEEN $1 AND $1 + 2", "1")]
    [InlineData("i2 IN ($1, $1 + 1)", "1")]
    [InlineData("i4 = ANY ($1)", "{1,2,NULL}")]
    [InlineData("i4 = ANY ($1::int8[])", "{1,3}")]
    [InlineData("t = ANY ($1)", "{a,\"b c\"}")]
    [InlineData("f8 > $1", "1.5")]
    [InlineData("f4 = $1", "1.1")]
    [InlineData("n <= $1", "2.50")]
    [InlineData("b = $1", "t")]
    [InlineData("t = $1", "a")]
    [InlineData("t LIKE $1", "b%")]
    [InlineData("vc = $1", "it's \\ here")]
    [InlineData("c = $1", "b ")]
    [InlineData("c = $1::text", "b ")]
    [InlineData("NOT (c = $1)", "b ")]
    [InlineData("d > $1", "2024-01-02")]
    [InlineData("d > $1::date - interval '1' day", "2024-01-02")]
    [InlineData("ts < $1", "2024-01-02 10:00:00.25")]
    [InlineData("tz < $1", "2024-01-02 10:00:00.25+02")]
    [InlineData("u = $1", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")]
    [InlineData("i4 = $1 OR t = 'a'", null)]
    [InlineData("m = $1", "ok")]
    [InlineData("d < $1", "tomorrow")]
    [InlineData("i4 = $1", "nonsense")]
    [InlineData("d = $1", "2024-13-40")]
    [InlineData("i4 = 1 / $1", "0")]
    public async Task Of_every_type(string condition, string? value)
    {
        await FillAsync();
        var sql = $"SELECT id, rank() OVER (ORDER BY id) FROM kinds WHERE {condition} ORDER BY 1";
        await _differential.SameAsync(
            new FrontendScript().Run(sql, [value]).Sync(),
            new FrontendScript().Query("BEGIN"),
            new FrontendScript().Run(sql, [value], resultFormat: 1).Sync(),
            new FrontendScript().Query("ROLLBACK"));
    }

    [Fact]
    public async Task In_binary()
    {
        await FillAsync();
        await _differential.SameAsync(
            Binary("i4 = $1", 23, [0, 0, 0, 1]),
            Binary("i8 = $1", 20, [0, 0, 0, 0, 0, 0, 0, 2]),
            Binary("i8 = $1", 23, [0, 0, 0, 2]),
            Binary("b = $1", 16, [1]),
            Binary("t = $1", 25, "a"u8.ToArray()),
            Binary("f8 > $1", 701, Big(BitConverter.DoubleToInt64Bits(1.25))),
            Binary("d > $1", 1082, [0, 0, 0x22, 0x3D]),
            Binary("ts < $1", 1114, Big(757_418_400_250_000)),
            Binary("tz < $1", 1184, Big(757_418_400_250_000)),
            Binary("tz < $1", 1184, Big(long.MaxValue)),
            Binary("n > $1", 1700, [0, 2, 0, 0, 0, 0, 0, 2, 0, 1, 0x13, 0x88]),
            Binary("u = $1", 2950, Convert.FromHexString("a0eebc999c0b4ef8bb6d6bb9bd380a11")),
            Binary("i4 = ANY ($1)", 1007, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 3]),
            // Too short, and no such text.
            Binary("i4 = $1", 23, [0, 1]),
            Binary("t = $1", 25, [0xFF]),
            Binary("i4 = $1", 23, [0, 0, 0, 3]));

        static FrontendScript Binary(string condition, uint type, byte[] value) => new FrontendScript()
            .Parse($"SELECT id, rank() OVER (ORDER BY id) FROM kinds WHERE {condition} ORDER BY 1", "", type)
            .BindBytes([value], [1]).Execute().Sync();

        static byte[] Big(long value)
        {
            var bytes = new byte[8];
            BinaryPrimitives.WriteInt64BigEndian(bytes, value);
            return bytes;
        }
    }

    /// <summary>Prepared once, bound with many values; and by SQL's EXECUTE.</summary>
    [Fact]
    public async Task Bound_again_and_again()
    {
        await FillAsync();
        const string Sql = "SELECT id, rank() OVER (ORDER BY id) FROM kinds WHERE i4 = $1 AND t <> $2 ORDER BY 1";
        await _differential.SameAsync(
            new FrontendScript().Parse(Sql, "s").DescribeStatement("s").Bind(["1", "x"], statement: "s").Execute().Bind(["2", "a"], statement: "s").Execute().Sync(),
            new FrontendScript().Bind([null, "x"], statement: "s").Execute().Bind(["3", "b"], statement: "s").DescribePortal().Execute().Sync(),
            new FrontendScript().Query($"PREPARE p AS {Sql}; EXECUTE p(1, 'x'); EXECUTE p(2 + 1, 'b')"),
            new FrontendScript().Query("EXECUTE p('zwei', 'b')"));
    }

    private async Task FillAsync()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("TRUNCATE kinds");
            for (var id = 1; id <= 8; id++)
            {
                await client.MustAsync($"""
                    INSERT INTO kinds (id, i2, i4, i8, f4, f8, n, b, t, vc, c, d, ts, tz, u, m) VALUES ({id}, {id % 4}, {id % 4}, {id % 4}, {id % 4}.1, {id % 4}.5, {id % 4}.50,
                    {id % 2 == 0}, '{(id % 3 == 0 ? "a" : "b c")}', E'{(id % 3 == 0 ? "it\\'s \\\\ here" : "x")}', '{(id % 3 == 0 ? "b" : "a")}', date '2024-01-01' + {id % 4},
                    timestamp '2024-01-01 10:00:00' + {id % 4} * interval '1 day', timestamptz '2024-01-01 10:00:00+00' + {id % 4} * interval '1 day',
                    {(id % 2 == 0 ? "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'" : "NULL")}, '{(id % 2 == 0 ? "ok" : "sad")}')
                    """);
            }
        }
    }
}
