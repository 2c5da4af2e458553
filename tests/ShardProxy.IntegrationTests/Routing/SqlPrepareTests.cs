using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>PREPARE and EXECUTE in SQL of statements that several shards answer.</summary>
[Collection(LabCollection.Name)]
public sealed class SqlPrepareTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("SELECT id, name FROM users ORDER BY id LIMIT 5", "")]
    [InlineData("SELECT count(*) FROM users", "")]
    [InlineData("SELECT count(*) FROM users WHERE id > $1", "(3)")]
    [InlineData("SELECT $1::text, product, sum(amount) FROM orders WHERE user_id > $2 GROUP BY product ORDER BY 2", "('a' || 'b', 1 + 1)")]
    [InlineData("SELECT id FROM users WHERE id = ANY ($1) ORDER BY id", "('{1,2,3,4,5}')")]
    [InlineData("SELECT id FROM users WHERE id = ANY ($1) ORDER BY id", "('{3}')")]
    [InlineData("SELECT id FROM users WHERE id = ANY ($1) ORDER BY id", "(NULL)")]
    [InlineData("SELECT a.id, b.name FROM users a JOIN users b ON b.id = a.id + $1 ORDER BY 1", "(2)")]
    [InlineData("SELECT id FROM users WHERE born < $1 ORDER BY id", "('today')")]
    [InlineData("SELECT id FROM users WHERE id > $1 ORDER BY id", "('x')")]
    [InlineData("SELECT id FROM users WHERE id > $1 ORDER BY id", "(1, 2)")]
    public Task Statements(string statement, string arguments) => _differential.SameAsync(
        new FrontendScript().Query($"PREPARE p AS {statement}"),
        new FrontendScript().Query($"EXECUTE p{arguments}"),
        new FrontendScript().Query($"/* again */ EXECUTE  p  {arguments}"),
        new FrontendScript().Run($"EXECUTE p{arguments}").Sync(),
        new FrontendScript().Run($"EXECUTE p{arguments}", resultFormat: 1).Sync(),
        new FrontendScript().Query("BEGIN"),
        new FrontendScript().Query($"EXECUTE p{arguments}"),
        new FrontendScript().Query("ROLLBACK"),
        new FrontendScript().Query("DEALLOCATE p"));
}
