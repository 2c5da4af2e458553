using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>Executes with a row limit of SELECTs whose rows are merged from several shards.</summary>
[Collection(LabCollection.Name)]
public sealed class RowLimitTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("SELECT id, name FROM users ORDER BY id")]
    [InlineData("SELECT id, feeling FROM users ORDER BY id DESC LIMIT 7 OFFSET 3")]
    [InlineData("SELECT product, count(*), sum(amount) FROM orders GROUP BY product ORDER BY 1")]
    [InlineData("SELECT DISTINCT product FROM orders ORDER BY 1")]
    [InlineData("SELECT count(*) FROM users")]
    [InlineData("SELECT id FROM users WHERE id IN (1, 2, 3, 4, 5, 6, 7, 8) ORDER BY 1")]
    [InlineData("SELECT u.id, rank() OVER (ORDER BY id) FROM users u ORDER BY 1")]
    public Task Portions(string statement) => _differential.SameAsync(
        new FrontendScript().Parse(statement).Bind().DescribePortal().Execute(3).Execute(1).Execute(2).Execute().Execute().Execute(1).Sync(),
        new FrontendScript().Parse(statement).Bind(resultFormat: 1).Execute(4).Sync(),
        new FrontendScript().Parse(statement).Bind().Execute(1).Execute(1).Sync(),
        new FrontendScript().Parse(statement).Bind().Execute().Execute().Sync(),
        new FrontendScript().Query("SELECT 1"));

    [Fact]
    public Task Between_other_statements_of_a_block() => _differential.SameAsync(
        new FrontendScript().Query("BEGIN"),
        new FrontendScript().Parse("SELECT id, name FROM users ORDER BY id", "s").Bind(portal: "p", statement: "s").Execute(5, "p").Sync(),
        new FrontendScript().Query("SELECT count(*) FROM users WHERE id IN (1, 2, 3, 4, 5)"),
        new FrontendScript().Query("UPDATE users SET name = 'changed' WHERE id = 7"),
        new FrontendScript().Query("SELECT name FROM users WHERE id = 30"),
        new FrontendScript().Bind(portal: "q", statement: "s").Execute(2, "q").Execute(2, "p").Sync(),
        new FrontendScript().ClosePortal("q").Execute(0, "p").Sync(),
        new FrontendScript().Query("ROLLBACK"),
        new FrontendScript().Execute(1, "p").Sync());

    [Fact]
    public Task All_portions_of_many() => _differential.SameAsync(
        new FrontendScript().Query("BEGIN"),
        new FrontendScript().Parse("SELECT u.id, g FROM users u, generate_series(1, 70) g ORDER BY u.id, g", "s").Bind(portal: "p", statement: "s").Execute(1100, "p").Sync(),
        new FrontendScript().Execute(1000, "p").Sync(),
        new FrontendScript().Execute(1000, "p").Sync(),
        new FrontendScript().Query("COMMIT"));

    [Fact]
    public Task An_error_on_the_way() => _differential.SameAsync(
        new FrontendScript().Query("BEGIN"),
        new FrontendScript().Parse("SELECT 1 / (g - 60) FROM users, generate_series(1, 100) g WHERE id = ANY ('{1,2,3,4,5}') ORDER BY id, g", "s").Bind(portal: "p", statement: "s").Execute(50, "p").Sync(),
        new FrontendScript().Execute(20, "p").Sync(),
        new FrontendScript().Query("SELECT 1"),
        new FrontendScript().Query("ROLLBACK"),
        new FrontendScript().Query("SELECT count(*) FROM users"));

    [Fact]
    public Task In_a_pipeline() => _differential.SameAsync(
        new FrontendScript().Run("SELECT name FROM users WHERE id = 1").Parse("SELECT id FROM users ORDER BY id").Bind().Execute(2).Execute(2).Run("SELECT name FROM users WHERE id = 2").Sync(),
        new FrontendScript().Run("SELECT 1").Sync());
}
