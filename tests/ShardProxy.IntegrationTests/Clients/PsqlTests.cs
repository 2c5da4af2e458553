using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Clients;

/// <summary>psql prints through the proxy what it prints on one PostgreSQL.</summary>
[Collection(ClientsCollection.Name)]
public sealed class PsqlTests(Lab lab)
{
    [Theory]
    [InlineData("\\d")]
    [InlineData("\\dt")]
    [InlineData("\\d users")]
    [InlineData("\\d+ orders")]
    [InlineData("\\df")]
    [InlineData("\\df+ pg_catalog.length")]
    [InlineData("\\dn+")]
    [InlineData("\\du")]
    [InlineData("\\dT+ mood")]
    [InlineData("\\dx")]
    [InlineData("\\di")]
    [InlineData("\\ds")]
    [InlineData("\\dv")]
    [InlineData("\\dp users")]
    [InlineData("\\sf pg_catalog.lpad(text, int4)")]
    [InlineData("\\conninfo")]
    [InlineData("\\encoding")]
    [InlineData("SELECT name, born FROM users WHERE id = 3")]
    [InlineData("SELECT name FROM users WHERE id = 3 \\gx")]
    [InlineData("SELECT 'SELECT ' || id FROM notes WHERE id < 4 ORDER BY id \\gexec")]
    [InlineData("SELECT 1 AS a \\gset\n\\echo :a")]
    [InlineData("\\set FETCH_COUNT 2\nSELECT n FROM generate_series(1, 7) n")]
    [InlineData("\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSELECT 1/0;\nSELECT name FROM users WHERE id = 4;\nCOMMIT;")]
    [InlineData("\\set AUTOCOMMIT off\nSELECT name FROM users WHERE id = 4;\nROLLBACK;")]
    [InlineData("\\copy (SELECT id, body FROM notes ORDER BY id) TO STDOUT CSV HEADER")]
    [InlineData("SELECT nothing FROM users WHERE id = 3")]
    public async Task The_same_is_printed(string commands)
    {
        var expected = await RunAsync(lab.Reference, commands);
        var actual = await RunAsync(lab.Subject, commands);
        Normal(actual, lab.Subject).ShouldBe(Normal(expected, lab.Reference));
    }

    [Theory]
    [InlineData("\\l")]
    [InlineData("\\l+")]
    [InlineData("\\dt+")]
    [InlineData("\\d+")]
    [InlineData("\\db")]
    [InlineData("SELECT version()")]
    [InlineData("SHOW server_version")]
    [InlineData("\\dconfig work_mem")]
    public async Task Listings_work(string command)
    {
        var output = await RunAsync(lab.Subject, command);
        output.ShouldContain("row");
        output.ShouldNotContain("ERROR");
    }

    [Fact]
    public async Task Copy_from_and_to_files()
    {
        var folder = TestFolder.New("psql");
        var source = Path.Combine(folder, "in.csv");
        var target = Path.Combine(folder, "out.csv");
        var rows = Enumerable.Range(50_000, 1000).Select(static id => $"{id},name {id}").ToList();
        await File.WriteAllLinesAsync(source, ["id,name", .. rows]);
        await RunAsync(lab.Subject, $"\\copy users (id, name) FROM '{source}' CSV HEADER\n\\copy users (id, name) TO '{target}' CSV HEADER");
        var back = await File.ReadAllLinesAsync(target);
        back[0].ShouldBe("id,name");
        back.Where(static line => line.StartsWith("50", StringComparison.Ordinal) && line.Length > 10).Order(StringComparer.Ordinal).ShouldBe(rows);
        await RunAsync(lab.Subject, string.Concat(Enumerable.Range(50_000, 1000).Select(static id => $"DELETE FROM users WHERE id = {id};\n")));
    }

    private static async Task<string> RunAsync(Endpoint endpoint, string commands)
    {
        var (_, output, errors) = await ClientProgram.TryRunAsync(endpoint, "psql", ["-X", "-v", "VERBOSITY=verbose", "-f", "-"], commands + "\n");
        return output + errors;
    }

    /// <summary>Without what must differ: ports, names of databases, and where in PostgreSQL's source an error was raised.</summary>
    private static string Normal(string output, Endpoint endpoint) => string.Join('\n', output
        .Replace($"\"{endpoint.Port}\"", "\"PORT\"")
        .Replace($"\"{endpoint.Database}\"", "\"DATABASE\"")
        .Split('\n')
        .Where(static line => !line.Contains("LOCATION:", StringComparison.Ordinal)));
}
