using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Sessions;

/// <summary>Settings belong to the client's session, whatever server connection runs its next statement.</summary>
[Collection(LabCollection.Name)]
public sealed class SettingsTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Fact]
    public Task They_are_true_on_every_shard()
    {
        List<string> statements = ["SET work_mem = '7MB'", "SET TIME ZONE 'Asia/Tokyo'", "SET DateStyle TO German", "SET application_name = 'an \"app\"'", "SET extra_float_digits = 0"];
        for (var id = 1; id <= 12; id++)
        {
            statements.Add(
                "SELECT current_setting('work_mem'), current_setting('TimeZone'), current_setting('application_name'), " +
                $"timestamptz '2024-01-01 00:00:00+00', 0.1::float8 + 0.2, born FROM users WHERE id = {id}");
        }
        return _differential.SameInAllProtocolsAsync([.. statements]);
    }

    [Fact]
    public Task Every_spelling() => _differential.SameInAllProtocolsAsync(
        "SET work_mem TO '5MB'", "SHOW work_mem", "SET SESSION work_mem = 6000", "SHOW work_mem", "SET work_mem = DEFAULT", "SHOW work_mem",
        "SET \"work_mem\" = '9MB'", "SHOW WORK_MEM", "RESET work_mem", "SHOW work_mem",
        "SET search_path TO pg_catalog, \"Odd Name\"", "SHOW search_path", "SET search_path = ''", "SHOW search_path", "RESET search_path",
        "SET NAMES 'LATIN1'", "SHOW client_encoding", "SET NAMES DEFAULT", "SHOW client_encoding",
        "SET TIME ZONE LOCAL", "SET TIME ZONE -7", "SHOW timezone", "SET TIME ZONE INTERVAL '+02:00' HOUR TO MINUTE", "SHOW timezone", "RESET TIME ZONE",
        "SET SCHEMA 'pg_catalog'", "SHOW search_path", "RESET ALL", "SHOW search_path",
        "SET my.own = 'value'", "SHOW my.own", "SELECT current_setting('my.own'), current_setting('my.other', true)", "SHOW my.other",
        "SELECT set_config('my.own', 'again', false), set_config('work_mem', '3MB', false)", "SHOW my.own", "SHOW work_mem",
        "SELECT pg_catalog.set_config('search_path', '', false)", "SHOW search_path", "SELECT set_config('work_mem', NULL, false)", "SHOW work_mem",
        "SET missing_setting = 1", "SET work_mem = 'lots'", "SHOW missing_setting", "SHOW work_mem", "RESET missing_setting",
        "SET server_version = '1'", "SET max_connections = 5");

    [Fact]
    public Task Local_settings_end_with_their_transaction() => _differential.SameInAllProtocolsAsync(
        "SET LOCAL work_mem = '5MB'", "SHOW work_mem",
        "BEGIN", "SET LOCAL work_mem = '5MB'", "SELECT current_setting('work_mem'), name FROM users WHERE id = 1",
        "SELECT current_setting('work_mem'), name FROM users WHERE id = 2", "SELECT current_setting('work_mem'), name FROM users WHERE id = 5", "COMMIT",
        "SHOW work_mem", "SELECT current_setting('work_mem') FROM users WHERE id = 1", "SELECT current_setting('work_mem') FROM users WHERE id = 2",
        "BEGIN", "SELECT set_config('work_mem', '6MB', true)", "SELECT current_setting('work_mem') FROM users WHERE id = 3", "ROLLBACK", "SHOW work_mem");

    [Fact]
    public Task A_rollback_takes_settings_back() => _differential.SameInAllProtocolsAsync(
        "SET work_mem = '4MB'", "BEGIN", "SET work_mem = '5MB'", "SHOW work_mem", "ROLLBACK", "SHOW work_mem",
        "BEGIN", "SET work_mem = '5MB'", "SAVEPOINT s", "SET work_mem = '6MB'", "SELECT current_setting('work_mem') FROM users WHERE id = 3",
        "ROLLBACK TO s", "SHOW work_mem", "SELECT current_setting('work_mem') FROM users WHERE id = 4", "COMMIT", "SHOW work_mem",
        "SELECT current_setting('work_mem') FROM users WHERE id = 1", "SELECT current_setting('work_mem') FROM users WHERE id = 2",
        "BEGIN", "SET TIME ZONE 'Asia/Tokyo'", "SELECT 1/0", "ROLLBACK", "SHOW timezone");

    [Fact]
    public Task Discard_all() => _differential.SameInAllProtocolsAsync(
        "SET work_mem = '4MB'", "SET TIME ZONE 'Asia/Tokyo'", "PREPARE p AS SELECT 1", "DISCARD ALL", "SHOW work_mem", "SHOW timezone", "EXECUTE p",
        "DISCARD PLANS", "DISCARD SEQUENCES", "DISCARD TEMP", "DISCARD NOTHING");

    [Fact]
    public Task Roles() => _differential.SameInAllProtocolsAsync(
        "SELECT current_user, session_user", "SET ROLE pg_read_all_data", "SELECT current_user, session_user", "SELECT current_user FROM users WHERE id = 1",
        "SELECT current_user FROM users WHERE id = 2", "UPDATE users SET name = 'x' WHERE id = 3", "SET ROLE missing_role", "RESET ROLE", "SELECT current_user",
        "SET SESSION AUTHORIZATION pg_monitor", "SELECT current_user, session_user", "RESET SESSION AUTHORIZATION", "SELECT current_user, session_user",
        "SET ROLE NONE");

    [Theory]
    [InlineData("options", "-c work_mem=11MB -c search_path=pg_catalog,public")]
    [InlineData("options", "--work-mem=12MB --my.thing=a\\ b")]
    [InlineData("TimeZone", "Asia/Tokyo")]
    [InlineData("work_mem", "13MB")]
    [InlineData("application_name", "my app")]
    [InlineData("client_encoding", "LATIN1")]
    [InlineData("DateStyle", "SQL, DMY")]
    public async Task Startup_parameters(string name, string value)
    {
        const string Question =
            "SELECT current_setting('work_mem'), current_setting('search_path'), current_setting('my.thing', true), current_setting('TimeZone'), " +
            "current_setting('application_name'), current_setting('client_encoding'), current_setting('DateStyle')";
        var answers = new List<string>();
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint, parameters: new Dictionary<string, string> { [name] = value });
            var answer = string.Join('\n', await client.MustAsync(Question));
            for (var id = 1; id <= 8; id++)
                answer += string.Join('\n', await client.MustAsync($"{Question} FROM users WHERE id = {id}"));
            await client.MustAsync("SET work_mem = '1MB'");
            await client.MustAsync("SET TimeZone = 'UTC'");
            await client.MustAsync("RESET ALL");
            answer += string.Join('\n', await client.MustAsync(Question));
            answers.Add(answer);
        }
        answers[1].ShouldBe(answers[0]);
    }

    [Fact]
    public async Task Wrong_startup_parameters_are_refused_as_PostgreSQL_does()
    {
        foreach (var parameters in (Dictionary<string, string>[])
            [new() { ["work_mem"] = "lots" }, new() { ["missing_setting"] = "1" }, new() { ["options"] = "-c missing=1" }, new() { ["client_encoding"] = "EBCDIC" }])
        {
            var expected = await Should.ThrowAsync<WireException>(() => WireClient.ConnectAsync(lab.Reference, parameters: parameters));
            var actual = await Should.ThrowAsync<WireException>(() => WireClient.ConnectAsync(lab.Subject, parameters: parameters));
            actual.SqlState.ShouldBe(expected.SqlState);
        }
    }

    [Fact]
    public async Task The_greeting_reports_what_PostgreSQL_reports()
    {
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        Reports(subject).ShouldBe(Reports(reference));
    }

    [Fact]
    public async Task No_setting_reaches_another_client()
    {
        var question =
            "SELECT current_setting('work_mem'), current_setting('TimeZone'), current_setting('application_name'), current_user, " +
            "current_setting('search_path'), coalesce(current_setting('my.leak', true), ''), current_setting('default_transaction_read_only'), " +
            "current_setting('statement_timeout'), current_setting('session_replication_role')";
        await using var clean = await WireClient.ConnectAsync(lab.Subject);
        var expected = string.Join('\n', await clean.MustAsync(question));
        string[] settings =
        [
            "SET work_mem = '17MB'", "SET TimeZone = 'Asia/Tokyo'", "SET ROLE pg_read_all_data", "SET search_path = pg_catalog, public", "SET my.leak = 'leaked'",
            "SELECT set_config('my.leak', 'leaked', false)", "SET SESSION AUTHORIZATION pg_monitor", "SET default_transaction_read_only = on",
            "SET statement_timeout = '17s'", "SET session_replication_role = replica", "DO $$ BEGIN PERFORM set_config('my.leak', 'leaked', false); END $$",
            "DO $$ BEGIN EXECUTE 'SET work_mem = ''18MB'''; END $$", "BEGIN; SET LOCAL work_mem = '19MB'", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        ];
        foreach (var setting in settings)
        {
            await using (var dirty = await WireClient.ConnectAsync(lab.Subject, parameters: new Dictionary<string, string> { ["application_name"] = "dirty" }))
            {
                await dirty.MustAsync(setting);
                for (var id = 1; id <= 8; id++)
                    await dirty.QueryAsync($"SELECT name FROM users WHERE id = {id}");
            }
            await using var next = await WireClient.ConnectAsync(lab.Subject);
            foreach (var client in (WireClient[])[next, clean])
            {
                for (var id = 1; id <= 8; id++)
                {
                    string.Join('\n', (await client.MustAsync($"{question} FROM users WHERE id = {id}"))).ShouldBe(expected, setting);
                }
            }
        }
    }

    private static string[] Reports(WireClient client) =>
        [.. client.Greeting.Where(static message => message.Type == 'S').Select(static message => message.ToString()).Order(StringComparer.Ordinal)];
}
