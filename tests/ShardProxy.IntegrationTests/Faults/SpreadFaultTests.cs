using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Faults;

/// <summary>
/// What goes wrong in the middle of a SELECT over shards: one clear error, the first, and all server connections back in
/// their pools in a clean state. A shard is held up by a lock of another session, so that the middle is a place and not a moment.
/// </summary>
public sealed class SpreadFaultTests(SpreadCluster cluster) : IClassFixture<SpreadCluster>
{
    private const string Concatenated = "SELECT id, pad FROM big";
    private const string Ordered = "SELECT id, pad FROM big ORDER BY v, id";
    private const string Grouped = "SELECT v, count(*), sum(id) FROM big GROUP BY v ORDER BY 1";
    private const string Gathered = "SELECT row_number() OVER (ORDER BY id), repeat(pad, 4) FROM big WHERE id <= 60000";

    public static TheoryData<string, bool> Statements()
    {
        var data = new TheoryData<string, bool>();
        foreach (var statement in (string[])[Concatenated, Ordered, Grouped, Gathered])
        {
            data.Add(statement, false);
            data.Add(statement, true);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task A_cancelled_statement(string statement, bool extended)
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await using (await HeldUpAsync(2, client, statement, extended))
        {
            await client.CancelAsync();
            (await ErrorAsync(client)).SqlState.ShouldBe("57014");
        }
        (await client.ScalarAsync("SELECT count(*) FROM big")).ShouldBe($"{SpreadCluster.Rows}");
        await cluster.MustBeCleanAsync();
    }

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task A_statement_that_takes_too_long(string statement, bool extended)
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await client.MustAsync("SET statement_timeout = '700ms'");
        await using (await HeldUpAsync(1, client, statement, extended))
            (await ErrorAsync(client)).SqlState.ShouldBe("57014");
        await client.MustAsync("RESET statement_timeout");
        await cluster.MustBeCleanAsync();
    }

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task A_client_that_goes_away(string statement, bool extended)
    {
        var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await using (await HeldUpAsync(2, client, statement, extended))
        {
            await client.DisposeAsync();
            // The shard that is held up is cancelled too: nobody waits for the lock any more.
            await Until.TrueAsync(async () => await WaitersAsync(2) == 0, "the held-up shard is told to stop");
        }
        await cluster.MustBeCleanAsync();
    }

    [Theory]
    [MemberData(nameof(Statements))]
    public async Task A_server_process_that_is_terminated(string statement, bool extended)
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await using (await HeldUpAsync(1, client, statement, extended))
        {
            await cluster.Cluster.Shards[1].ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
            (await ErrorAsync(client)).SqlState.ShouldBeOneOf("57P01", "08006");
        }
        (await client.ScalarAsync("SELECT count(*) FROM big")).ShouldBe($"{SpreadCluster.Rows}");
        await cluster.MustBeCleanAsync();
    }

    [Theory]
    [InlineData(Concatenated, 1)]
    [InlineData(Ordered, 2)]
    [InlineData(Grouped, 1)]
    [InlineData(Gathered, 2)]
    [InlineData(Gathered, 0)]
    [InlineData(Ordered, 0)]
    public async Task A_shard_that_is_killed(string statement, int victim)
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        var held = await HeldUpAsync(victim, client, statement, extended: false);
        await cluster.Cluster.Shards[victim].KillAsync();
        var error = await ErrorAsync(client);
        error.SqlState.ShouldBeOneOf("08006", "57P01", "57P02");
        await held.DisposeAsync();
        await cluster.Cluster.Shards[victim].RestartAsync();
        await Until.TrueAsync(async () => !(await client.QueryAsync("SELECT count(*) FROM big")).Exists(static message => message.Type == 'E'), "the shard serves again");
        await cluster.MustBeCleanAsync();
    }

    /// <summary>Rows have reached the client, which then stops reading; the shards' sockets are full.</summary>
    [Theory]
    [InlineData(Concatenated, "cancel")]
    [InlineData(Ordered, "cancel")]
    [InlineData(Gathered, "cancel")]
    [InlineData(Concatenated, "kill")]
    [InlineData(Ordered, "kill")]
    [InlineData(Concatenated, "leave")]
    [InlineData(Ordered, "leave")]
    [InlineData(Gathered, "leave")]
    public async Task In_the_middle_of_the_rows(string statement, string fault)
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await client.SendAsync(new FrontendScript().Query(statement));
        for (var rows = 0; rows < 100;)
        {
            var message = await client.ReceiveAsync();
            message.Type.ShouldNotBe('E', message.ToString());
            rows += message.Type == 'D' ? 1 : 0;
        }
        switch (fault)
        {
            case "cancel":
                await client.CancelAsync();
                (await ErrorAsync(client)).SqlState.ShouldBe("57014");
                break;
            case "kill":
                await cluster.Cluster.Shards[2].KillAsync();
                (await ErrorAsync(client)).SqlState.ShouldBeOneOf("08006", "57P01", "57P02");
                await cluster.Cluster.Shards[2].RestartAsync();
                await Until.TrueAsync(async () => !(await client.QueryAsync("SELECT count(*) FROM big")).Exists(static message => message.Type == 'E'), "the shard serves again");
                break;
            default:
                await client.DisposeAsync();
                break;
        }
        await cluster.MustBeCleanAsync();
    }

    /// <summary>The shard that fails first is the one that is told of, and it ends the others, one of which would wait for ever.</summary>
    [Theory]
    [InlineData("SELECT id, 1 / (v - v) FROM big")]
    [InlineData("SELECT id, pad FROM big ORDER BY 1 / (id - {0}), id")]
    [InlineData("SELECT v, sum(1 / (id - {0})) FROM big GROUP BY v")]
    [InlineData("SELECT row_number() OVER (ORDER BY id), 1 / (id - {0}) FROM big WHERE id <= 60000")]
    public async Task The_first_error_is_the_one_that_is_told(string statement)
    {
        var there = await cluster.Cluster.Shards[1].ScalarAsync<long>("SELECT min(id) FROM big");
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        var sql = string.Format(statement, there);
        // The gather's division is the home shard's work, and that begins when all rows are there.
        if (statement.Contains("OVER", StringComparison.Ordinal))
        {
            (await client.QueryAsync(sql)).Single(static message => message.Type == 'E').SqlState.ShouldBe("22012");
        }
        else
        {
            // Not waited for: it may be told to stop before anybody sees it wait.
            await using var holder = await LockAsync(2);
            (await client.QueryAsync(sql)).Single(static message => message.Type == 'E').SqlState.ShouldBe("22012");
        }
        await cluster.MustBeCleanAsync();
    }

    [Theory]
    [InlineData("SELECT a.id, b.pad FROM big a JOIN big b ON b.id = a.id + 1", "gather.max_bytes")]
    [InlineData("SELECT pad || id, count(*) FROM big GROUP BY 1", "merge_bytes")]
    [InlineData("SELECT DISTINCT pad || v || id FROM big", "merge_bytes")]
    public async Task More_than_the_limits_allow(string statement, string limit)
    {
        foreach (var script in (FrontendScript[])[new FrontendScript().Query(statement), new FrontendScript().Run(statement).Sync()])
        {
            await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
            var error = (await client.RunAsync(script)).Single(static message => message.Type == 'E');
            error.SqlState.ShouldBe("54000");
            error.Fields['H'].ShouldContain(limit);
            if (limit == "gather.max_bytes")
            {
                error.Fields['M'].ShouldContain("big");
                error.Fields['M'].ShouldMatch("[0-9]{8} bytes so far");
            }
            (await client.ScalarAsync("SELECT count(*) FROM big")).ShouldBe($"{SpreadCluster.Rows}");
        }
        await cluster.MustBeCleanAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_merge_has_no_room_for_is_gathered(bool extended)
    {
        const string Statement = "SELECT length(string_agg(pad, '' ORDER BY id)) FROM big WHERE id <= 60000";
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        foreach (var end in (string[])["", "COMMIT"])
        {
            if (end.Length > 0)
                await client.MustAsync("BEGIN");
            var replies = extended ? await client.RunAsync(new FrontendScript().Run(Statement).Sync()) : await client.QueryAsync(Statement);
            replies.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', replies));
            replies.Single(static message => message.Type == 'D').TextValues[0].ShouldBe("12000000");
            (await client.ScalarAsync("SELECT length(string_agg(pad, '' ORDER BY id)) FROM big WHERE id <= 20000")).ShouldBe("4000000");
            if (end.Length > 0)
                await client.MustAsync(end);
        }
        await cluster.MustBeCleanAsync();
    }

    /// <summary>In a block: the error fails it, ROLLBACK ends it on every shard.</summary>
    [Theory]
    [InlineData(Ordered)]
    [InlineData(Gathered)]
    public async Task A_cancelled_statement_in_a_block(string statement)
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        await client.MustAsync("BEGIN");
        await using (await HeldUpAsync(2, client, statement, extended: false))
        {
            await client.CancelAsync();
            (await ErrorAsync(client, 'E')).SqlState.ShouldBe("57014");
        }
        (await client.QueryAsync("SELECT 1")).Single(static message => message.Type == 'E').SqlState.ShouldBe("25P02");
        await client.MustAsync("ROLLBACK");
        await cluster.MustBeCleanAsync();
    }

    /// <summary>Types that have no binary form are gathered as text.</summary>
    [Fact]
    public async Task Values_without_a_binary_form_are_gathered()
    {
        await using var client = await WireClient.ConnectAsync(cluster.Endpoint);
        for (var id = 1; id <= 9; id++)
            await client.MustAsync($"INSERT INTO rights VALUES ({id}, '{PostgresServer.AppUser}={(id % 2 == 0 ? "r" : "rw")}/{PostgresServer.AppUser}')");
        var rows = await client.MustAsync("SELECT row_number() OVER (ORDER BY id DESC), item FROM rights");
        rows.Where(static message => message.Type == 'D').Select(static message => string.Join('|', message.TextValues)).ShouldBe(
            Enumerable.Range(1, 9).Select(static number => $"{number}|app={(number % 2 == 0 ? "r" : "rw")}/app"));
        await cluster.MustBeCleanAsync();
    }

    /// <summary>Starts the statement while a lock keeps one shard from answering; returns when that shard waits for it.</summary>
    private async Task<NpgsqlConnection> HeldUpAsync(int shard, WireClient client, string statement, bool extended)
    {
        var holder = await LockAsync(shard);
        try
        {
            await client.SendAsync(extended ? new FrontendScript().Run(statement).Sync() : new FrontendScript().Query(statement));
            await Until.TrueAsync(async () => await WaitersAsync(shard) > 0, "the shard is held up");
            return holder;
        }
        catch
        {
            await holder.DisposeAsync();
            throw;
        }
    }

    /// <summary>Holds until it is disposed of.</summary>
    private async Task<NpgsqlConnection> LockAsync(int shard)
    {
        var holder = new NpgsqlConnection(cluster.Cluster.Shards[shard].ConnectionString);
        await holder.OpenAsync();
        await using var command = new NpgsqlCommand("BEGIN; LOCK TABLE big IN ACCESS EXCLUSIVE MODE", holder);
        await command.ExecuteNonQueryAsync();
        return holder;
    }

    private Task<long> WaitersAsync(int shard) =>
        cluster.Cluster.Shards[shard].ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");

    private static async Task<WireMessage> ErrorAsync(WireClient client, char status = 'I')
    {
        var replies = await client.ReceiveUntilReadyAsync();
        replies[^1].Status.ShouldBe(status);
        return replies.Single(static message => message.Type == 'E');
    }
}
