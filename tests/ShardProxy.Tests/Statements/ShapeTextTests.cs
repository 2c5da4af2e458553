using System.Text;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Statements;

public sealed class ShapeTextTests
{
    [Theory]
    [InlineData("SELECT name FROM users WHERE id = 42 -- why", "select name from users where id = ?")]
    [InlineData("SELECT 'geheim', N'geheim', E'ge\\nheim', 1.5", "select ? , n ? , ? , ?")]
    [InlineData("SELECT * FROM t WHERE id IN (1, 2, 3) AND x = $1", "select * from t where id in (?, …) and x = $1")]
    [InlineData("SELECT \"My Col\" FROM t", "select \"My Col\" from t")]
    [InlineData("SELECT \"a\"\"b 'c'\" , 'd'", "select \"a\"\"b 'c'\" , ?")]
    [InlineData("/* shardproxy: shard=s1 */ SELECT 1", "select ?")]
    [InlineData("SELECT 0x1F, 7", "select ? , ?")]
    [InlineData("", "")]
    public void Reads_like_the_statement_without_its_values(string sql, string expected)
    {
        var scanner = new ShapeScanner();
        scanner.Scan(Encoding.UTF8.GetBytes(sql));

        ShapeText.Render(scanner).ShouldBe(expected);
    }

    [Fact]
    public void Is_cut_when_it_is_long()
    {
        var scanner = new ShapeScanner();
        scanner.Scan(Encoding.UTF8.GetBytes("SELECT " + string.Join(" + ", Enumerable.Repeat("a", 5000))));

        var text = ShapeText.Render(scanner);

        text.Length.ShouldBeLessThan(ShapeText.LargestText + 10);
        text.ShouldEndWith("…");
    }
}
