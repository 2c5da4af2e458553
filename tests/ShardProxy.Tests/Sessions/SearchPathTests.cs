using ShardProxy.Sessions;

namespace ShardProxy.Tests.Sessions;

public sealed class SearchPathTests
{
    private static readonly HashSet<string> Existing = ["public", "app", "Mixed", "a,b", "q\"q", "alice"];

    [Theory]
    [InlineData("\"$user\", public", "alice public")]
    [InlineData("PUBLIC,APP", "public app")]
    [InlineData("\"Mixed\", mixed", "Mixed")]
    [InlineData("\"a,b\" , \"q\"\"q\"", "a,b q\"q")]
    [InlineData("missing, public, \"PUBLIC\"", "public")]
    [InlineData("pg_catalog, public", "pg_catalog public")]
    [InlineData("pg_temp,information_schema", "pg_temp information_schema")]
    [InlineData("", "")]
    [InlineData("\"\"", "")]
    public void As_PostgreSQL_reads_it(string text, string schemas) =>
        string.Join(' ', SearchPath.Parse(text, "alice", Existing)).ShouldBe(schemas);
}
