using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Clients;

/// <summary>The drivers of node, Python and Java, unchanged; the cases stand in tests/clients.</summary>
[Collection(ClientsCollection.Name)]
public sealed class OtherLanguagesTests(Lab lab)
{
    private const string JdbcDriver = "/usr/share/java/postgresql.jar";

    [Needs("node", "the Debian package nodejs")]
    [InlineData("types")]
    [InlineData("transactions")]
    [InlineData("prepared")]
    [InlineData("queued")]
    [InlineData("pipelined")]
    [InlineData("cursors")]
    [InlineData("errors")]
    [InlineData("notices")]
    [InlineData("cancel")]
    [InlineData("pool")]
    public Task Node(string name) => ClientProgram.RunAsync(lab.Subject, "node", ["node/cases.js", name]);

    [Needs("/usr/lib/python3/dist-packages/psycopg", "the Debian package python3-psycopg")]
    [InlineData("types")]
    [InlineData("enums")]
    [InlineData("transactions")]
    [InlineData("pipeline")]
    [InlineData("prepared")]
    [InlineData("copy")]
    [InlineData("cancel")]
    [InlineData("error_fields")]
    [InlineData("server_cursor")]
    [InlineData("executemany")]
    public Task Psycopg3(string name) => ClientProgram.RunAsync(lab.Subject, "/usr/bin/python3", ["python/psycopg3_cases.py", name]);

    [Needs("/usr/lib/python3/dist-packages/psycopg2", "the Debian package python3-psycopg2")]
    [InlineData("types")]
    [InlineData("transactions")]
    [InlineData("batches")]
    [InlineData("copy")]
    [InlineData("error_fields")]
    [InlineData("cancel")]
    [InlineData("named_cursor")]
    [InlineData("notifications")]
    public Task Psycopg2(string name) => ClientProgram.RunAsync(lab.Subject, "/usr/bin/python3", ["python/psycopg2_cases.py", name]);

    [Needs("/usr/lib/python3/dist-packages/sqlalchemy", "the Debian package python3-sqlalchemy")]
    [InlineData("generated_keys")]
    public Task SqlAlchemy(string name) =>
        Lab.IsDirect ? Task.CompletedTask : ClientProgram.RunAsync(lab.Subject, "/usr/bin/python3", ["python/sqlalchemy_cases.py", name]);

    /// <summary>Migrations and the ORM of a framework, with all tables where they would be and with some distributed: what it finds is the same.</summary>
    [Needs("/usr/lib/python3/dist-packages/django", "the Debian package python3-django")]
    [InlineData("python/django_cases.py")]
    public async Task Django(string program)
    {
        var found = await Task.WhenAll(
            ClientProgram.RunAsync(lab.Reference, "/usr/bin/python3", [program]),
            ClientProgram.RunAsync(lab.Subject, "/usr/bin/python3", Lab.IsDirect ? [program] : [program, "distribute"]));
        found[0].ShouldNotContain(" ended with ");
        found[1].ShouldBe(found[0]);
    }

    /// <summary>As <see cref="Django"/>; Ruby is installed for the long form only.</summary>
    [Fact]
    public async Task ActiveRecord()
    {
        if (Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") != "1")
            return;
        var found = await Task.WhenAll(
            ClientProgram.RunAsync(lab.Reference, "ruby", ["ruby/activerecord_cases.rb"]),
            ClientProgram.RunAsync(lab.Subject, "ruby", Lab.IsDirect ? ["ruby/activerecord_cases.rb"] : ["ruby/activerecord_cases.rb", "distribute"]));
        found[0].ShouldNotContain(" ended with ");
        found[1].ShouldBe(found[0]);
    }

    [Needs(JdbcDriver, "the Debian packages libpostgresql-jdbc-java and default-jdk-headless")]
    [InlineData("types")]
    [InlineData("transactions")]
    [InlineData("batches")]
    [InlineData("prepared")]
    [InlineData("copy")]
    [InlineData("generatedKeys")]
    [InlineData("fetchSize")]
    [InlineData("errors")]
    [InlineData("cancel")]
    [InlineData("metadata")]
    public async Task Jdbc(string name) =>
        await ClientProgram.RunAsync(lab.Subject, "java", ["-XX:TieredStopAtLevel=1", "-cp", $"{JdbcDriver}:{await JavaClasses.FolderAsync()}", "Cases", name]);
}
