using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Sessions;

/// <summary>What lives in a server's session: temporary tables, advisory locks, LISTEN, cursors, sequences' last values.</summary>
[Collection(LabCollection.Name)]
public sealed class SessionStateTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Fact]
    public Task Temporary_tables() => _differential.SameInAllProtocolsAsync(
        "CREATE TEMP TABLE scratch (id int4, v text)", "INSERT INTO scratch VALUES (1, 'a'), (2, 'b')", "SELECT name FROM users WHERE id = 1",
        "SELECT name FROM users WHERE id = 2", "SELECT * FROM scratch ORDER BY id", "UPDATE scratch SET v = 'c' WHERE id = 1", "SELECT count(*) FROM scratch",
        "BEGIN", "CREATE TEMPORARY TABLE inner_one ON COMMIT DROP AS SELECT 1 AS one", "SELECT * FROM inner_one", "COMMIT", "SELECT * FROM inner_one",
        "SELECT * FROM pg_temp.scratch ORDER BY id", "ALTER TABLE scratch ADD COLUMN w int4", "SELECT * FROM scratch ORDER BY id", "TRUNCATE scratch",
        "SELECT count(*) FROM scratch", "DROP TABLE scratch", "SELECT * FROM scratch", "CREATE TEMP VIEW v AS SELECT 1 AS x", "SELECT * FROM v", "DROP VIEW v",
        "SELECT 5 AS n INTO TEMP picked", "SELECT * FROM picked", "DISCARD TEMP", "SELECT * FROM picked");

    [Fact]
    public Task A_temporary_table_hides_a_sharded_one() => _differential.SameInAllProtocolsAsync(
        "CREATE TEMP TABLE users (id int8, name text)", "SELECT count(*) FROM users", "INSERT INTO users VALUES (1, 'temporary')",
        "SELECT * FROM users WHERE id = 1", "SELECT name FROM public.users WHERE id = 1", "DROP TABLE pg_temp.users", "SELECT name FROM users WHERE id = 1");

    [Fact]
    public async Task Temporary_tables_end_with_their_client()
    {
        await using (var first = await WireClient.ConnectAsync(lab.Subject))
            await first.MustAsync("CREATE TEMP TABLE private_one (id int4)");
        for (var index = 0; index < 5; index++)
        {
            await using var next = await WireClient.ConnectAsync(lab.Subject);
            (await next.QueryAsync("SELECT * FROM private_one")).First(static message => message.Type == 'E').SqlState.ShouldBe("42P01");
        }
    }

    [Fact]
    public async Task Advisory_locks_are_held_and_end_with_their_client()
    {
        await using var other = await WireClient.ConnectAsync(lab.Subject);
        await using (var holder = await WireClient.ConnectAsync(lab.Subject))
        {
            await holder.MustAsync("SELECT pg_advisory_lock(42)");
            await holder.MustAsync("SELECT name FROM users WHERE id = 1");
            (await other.ScalarAsync("SELECT pg_try_advisory_lock(42)")).ShouldBe("f");
            (await holder.ScalarAsync("SELECT pg_advisory_unlock(42)")).ShouldBe("t");
            (await other.ScalarAsync("SELECT pg_try_advisory_lock(42)")).ShouldBe("t");
            (await other.ScalarAsync("SELECT pg_advisory_unlock(42)")).ShouldBe("t");
            await holder.MustAsync("SELECT pg_advisory_lock(43)");
        }
        await Until.TrueAsync(async () => await other.ScalarAsync("SELECT pg_try_advisory_lock(43)") == "t", "the dead client's lock is free");
        await other.MustAsync("SELECT pg_advisory_unlock_all()");
        await using var third = await WireClient.ConnectAsync(lab.Subject);
        (await third.ScalarAsync("SELECT pg_try_advisory_lock(43)")).ShouldBe("t");
    }

    [Fact]
    public async Task Advisory_locks_of_a_transaction()
    {
        await using var holder = await WireClient.ConnectAsync(lab.Subject);
        await using var other = await WireClient.ConnectAsync(lab.Subject);
        await holder.MustAsync("BEGIN");
        await holder.MustAsync("SELECT pg_advisory_xact_lock(44)");
        (await other.ScalarAsync("SELECT pg_try_advisory_xact_lock(44)")).ShouldBe("f");
        await holder.MustAsync("COMMIT");
        (await other.ScalarAsync("SELECT pg_try_advisory_xact_lock(44)")).ShouldBe("t");
    }

    [Fact]
    public async Task Notifications_reach_the_listener_while_it_is_idle()
    {
        await using var listener = await WireClient.ConnectAsync(lab.Subject);
        await using var sender = await WireClient.ConnectAsync(lab.Subject);
        await listener.MustAsync("LISTEN \"Channel\"");
        await sender.MustAsync("NOTIFY \"Channel\", 'first'");
        (await listener.ReceiveAsync()).ToString().ShouldBe("Notification Channel first ");
        await listener.MustAsync("SELECT name FROM users WHERE id = 1");
        await sender.MustAsync("SELECT pg_notify('Channel', 'second')");
        (await listener.ReceiveAsync()).ToString().ShouldBe("Notification Channel second ");
        await sender.MustAsync("BEGIN");
        await sender.MustAsync("NOTIFY \"Channel\", 'third'");
        await sender.MustAsync("ROLLBACK");
        await sender.MustAsync("NOTIFY \"Channel\", 'fourth'");
        (await listener.ReceiveAsync()).ToString().ShouldBe("Notification Channel fourth ");
        await listener.MustAsync("UNLISTEN \"Channel\"");
        await sender.MustAsync("NOTIFY \"Channel\", 'unheard'");
        (await listener.MustAsync("SELECT 1")).ShouldNotContain(static message => message.Type == 'A');
    }

    [Fact]
    public async Task A_listener_hears_itself_and_a_successor_hears_nothing()
    {
        await using (var listener = await WireClient.ConnectAsync(lab.Subject))
        {
            await listener.MustAsync("LISTEN own");
            var replies = await listener.MustAsync("NOTIFY own");
            if (!replies.Any(static message => message.Type == 'A'))
                (await listener.ReceiveAsync()).Type.ShouldBe('A');
        }
        await using var next = await WireClient.ConnectAsync(lab.Subject);
        await using var sender = await WireClient.ConnectAsync(lab.Subject);
        await next.MustAsync("SELECT 1");
        await sender.MustAsync("NOTIFY own");
        (await next.MustAsync("SELECT 1; SELECT 2")).ShouldNotContain(static message => message.Type == 'A');
    }

    [Fact]
    public Task Cursors() => _differential.SameInAllProtocolsAsync(
        "BEGIN", "DECLARE c SCROLL CURSOR FOR SELECT id FROM orders WHERE user_id = 7 ORDER BY id", "SELECT name FROM users WHERE id = 1",
        "SELECT name FROM users WHERE id = 2", "FETCH 1 FROM c", "FETCH NEXT FROM c", "MOVE BACKWARD 1 IN c", "FETCH ALL FROM c", "FETCH PRIOR FROM c",
        "CLOSE c", "FETCH c", "ROLLBACK", "BEGIN", "DECLARE n CURSOR FOR SELECT id FROM notes ORDER BY id", "FETCH 3 FROM n",
        "UPDATE notes SET body = body WHERE CURRENT OF n", "CLOSE ALL", "COMMIT", "DECLARE outside CURSOR FOR SELECT 1", "FETCH 1 FROM missing");

    [Fact]
    public Task Cursors_with_hold() => _differential.SameInAllProtocolsAsync(
        "DECLARE h CURSOR WITH HOLD FOR SELECT id, name FROM users WHERE id = 6", "SELECT name FROM users WHERE id = 1", "SELECT name FROM users WHERE id = 2",
        "FETCH ALL FROM h", "CLOSE h", "FETCH h", "BEGIN", "DECLARE k CURSOR WITH HOLD FOR SELECT id FROM notes ORDER BY id", "COMMIT",
        "FETCH 2 FROM k", "SELECT name FROM users WHERE id = 3", "FETCH 2 FROM k", "CLOSE ALL");

    [Fact]
    public Task Sequences() => _differential.SameInAllProtocolsAsync(
        "CREATE SEQUENCE counting", "SELECT nextval('counting')", "SELECT name FROM users WHERE id = 1", "SELECT currval('counting')", "SELECT lastval()",
        "SELECT setval('counting', 10)", "SELECT nextval('counting')", "SELECT last_value FROM counting", "DROP SEQUENCE counting");

    [Fact]
    public Task A_home_table_with_a_serial_key() => _differential.SameInAllProtocolsAsync(
        "CREATE TABLE numbered (id serial PRIMARY KEY, v text)", "INSERT INTO numbered (v) VALUES ('a'), ('b') RETURNING id", "SELECT * FROM numbered ORDER BY id",
        "SELECT currval(pg_get_serial_sequence('numbered', 'id'))", "UPDATE numbered SET v = 'c' WHERE id = 2 RETURNING *",
        "MERGE INTO numbered n USING (VALUES (2, 'm'), (3, 'n')) s(id, v) ON n.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v)",
        "SELECT * FROM numbered ORDER BY id", "DROP TABLE numbered");

    [Fact]
    public async Task Settings_and_locks_survive_while_many_clients_share_the_servers()
    {
        const int Clients = 40;
        var clients = new List<WireClient>();
        try
        {
            for (var index = 0; index < Clients; index++)
            {
                clients.Add(await WireClient.ConnectAsync(lab.Subject));
                await clients[index].MustAsync($"SET application_name = 'client {index}'");
            }
            for (var round = 0; round < 5; round++)
            {
                await Task.WhenAll(clients.Select(async (client, index) =>
                {
                    for (var id = 1; id <= 6; id++)
                    {
                        (await client.ScalarAsync($"SELECT current_setting('application_name') FROM users WHERE id = {id}")).ShouldBe($"client {index}");
                    }
                }));
            }
        }
        finally
        {
            foreach (var client in clients)
                await client.DisposeAsync();
        }
    }
}
