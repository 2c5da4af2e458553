using System.Net;
using Npgsql;
using NpgsqlTypes;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Clients;

public enum Mood
{
    Sad,
    Ok,
    Happy,
}

public sealed record Pair(int A, string B);

/// <summary>Npgsql in the ways that applications use it: pool, multiplexing, batches, prepared statements, binary COPY.</summary>
[Collection(ClientsCollection.Name)]
public sealed class NpgsqlTests(Lab lab)
{
    private const long First = 60_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_queries_at_once(bool multiplexing)
    {
        await using var source = Source(multiplexing);
        await Task.WhenAll(Enumerable.Range(0, 1000).Select(async number =>
        {
            var id = 1 + number % LabSchema.UserCount;
            await using var command = source.CreateCommand("SELECT name FROM users WHERE id = $1");
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
            (await command.ExecuteScalarAsync()).ShouldBe($"user {id}");
        }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_type_goes_there_and_back(bool prepare)
    {
        await using var source = Source();
        await using var connection = await source.OpenConnectionAsync();
        for (var id = First; id < First + 9; id++)
        {
            await using (var insert = new NpgsqlCommand(
                "INSERT INTO kinds (id, i2, i4, i8, f4, f8, n, b, t, by, d, ti, ts, tz, iv, u, jb, ai, at, ip, r, m, am, p, pos) VALUES " +
                "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)", connection))
            {
                foreach (var value in Values(id))
                    insert.Parameters.Add(value);
                if (prepare)
                    await insert.PrepareAsync();
                (await insert.ExecuteNonQueryAsync()).ShouldBe(1);
            }
            await using (var select = new NpgsqlCommand(
                "SELECT id, i2, i4, i8, f4, f8, n, b, t, by, d, ti, ts, tz, iv, u, jb, ai, at, ip, r, m, am, p, pos FROM kinds WHERE id = $1", connection))
            {
                select.Parameters.Add(new NpgsqlParameter<long> { TypedValue = id });
                if (prepare)
                    await select.PrepareAsync();
                await using var reader = await select.ExecuteReaderAsync();
                (await reader.ReadAsync()).ShouldBeTrue();
                var expected = Values(id);
                for (var column = 0; column < expected.Length; column++)
                    Read(reader, column, expected[column].Value!).ShouldBe(expected[column].Value, reader.GetName(column));
            }
            await using var delete = new NpgsqlCommand("DELETE FROM kinds WHERE id = $1 AND m = $2 AND $3 = ANY (am)", connection);
            delete.Parameters.Add(new NpgsqlParameter { Value = id });
            delete.Parameters.Add(new NpgsqlParameter { Value = Mood.Happy });
            delete.Parameters.Add(new NpgsqlParameter { Value = Mood.Sad });
            (await delete.ExecuteNonQueryAsync()).ShouldBe(1);
        }
    }

    [Fact]
    public async Task Prepared_statements_survive_the_pool()
    {
        await using var source = Source(more: "Max Auto Prepare=10;Auto Prepare Min Usages=2");
        for (var round = 0; round < 5; round++)
        {
            await using var connection = await source.OpenConnectionAsync();
            for (var id = 1L; id <= 30; id++)
            {
                await using var command = new NpgsqlCommand("SELECT name FROM users WHERE id = @id", connection);
                command.Parameters.AddWithValue("id", id);
                (await command.ExecuteScalarAsync()).ShouldBe($"user {id}");
            }
        }
    }

    [Fact]
    public async Task Batches()
    {
        await using var source = Source(more: "Include Failed Batched Command=true");
        await using var connection = await source.OpenConnectionAsync();
        await using (var batch = new NpgsqlBatch(connection))
        {
            for (var id = 1L; id <= 40; id++)
            {
                batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT name FROM users WHERE id = $1")
                {
                    Parameters = { new NpgsqlParameter<long> { TypedValue = id } },
                });
            }
            await using var reader = await batch.ExecuteReaderAsync();
            for (var id = 1; id <= 40; id++)
            {
                (await reader.ReadAsync()).ShouldBeTrue();
                reader.GetString(0).ShouldBe($"user {id}");
                (await reader.NextResultAsync()).ShouldBe(id < 40);
            }
        }
        await using (var batch = new NpgsqlBatch(connection))
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"INSERT INTO users (id, name) VALUES ({First}, 'a')"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"INSERT INTO users (id, name) VALUES ({First}, 'again')"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT 1"));
            var error = await Should.ThrowAsync<PostgresException>(() => batch.ExecuteNonQueryAsync());
            error.SqlState.ShouldBe("23505");
            error.BatchCommand.ShouldBe(batch.BatchCommands[1]);
        }
        await using var count = new NpgsqlCommand($"SELECT count(*) FROM users WHERE id = {First}", connection);
        (await count.ExecuteScalarAsync()).ShouldBe(0L);
    }

    [Fact]
    public async Task Transactions_with_savepoints()
    {
        await using var source = Source();
        await using var connection = await source.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead))
        {
            await ExecuteAsync(connection, $"INSERT INTO users (id, name) VALUES ({First}, 'kept')");
            await transaction.SaveAsync("before");
            await Should.ThrowAsync<PostgresException>(() => ExecuteAsync(connection, $"INSERT INTO users (id, name) VALUES ({First}, 'twice')"));
            await transaction.RollbackAsync("before");
            await transaction.CommitAsync();
        }
        (await ExecuteAsync(connection, $"DELETE FROM users WHERE id = {First}")).ShouldBe(1);
    }

    [Fact]
    public async Task Binary_copy_both_ways()
    {
        await using var source = Source();
        await using var connection = await source.OpenConnectionAsync();
        await using (var writer = await connection.BeginBinaryImportAsync("COPY users (id, name, balance) FROM STDIN (FORMAT binary)"))
        {
            for (var id = First; id < First + 1000; id++)
            {
                await writer.StartRowAsync();
                await writer.WriteAsync(id, NpgsqlDbType.Bigint);
                await writer.WriteAsync($"copied {id}");
                await writer.WriteAsync(1.25m);
            }
            (await writer.CompleteAsync()).ShouldBe(1000ul);
        }
        var found = new HashSet<long>();
        await using (var reader = await connection.BeginBinaryExportAsync("COPY users (id, name) TO STDOUT (FORMAT binary)"))
        {
            while (await reader.StartRowAsync() >= 0)
            {
                var id = await reader.ReadAsync<long>();
                var name = await reader.ReadAsync<string>();
                if (id >= First)
                {
                    name.ShouldBe($"copied {id}");
                    found.Add(id);
                }
            }
        }
        found.Count.ShouldBe(1000);
        for (var id = First; id < First + 1000; id++)
            (await ExecuteAsync(connection, $"DELETE FROM users WHERE id = {id}")).ShouldBe(1);
        // An import that is not completed stores nothing.
        await using (var writer = await connection.BeginBinaryImportAsync("COPY users (id, name) FROM STDIN (FORMAT binary)"))
        {
            await writer.StartRowAsync();
            await writer.WriteAsync(First, NpgsqlDbType.Bigint);
            await writer.WriteAsync("never");
        }
        (await ExecuteAsync(connection, $"DELETE FROM users WHERE id = {First}")).ShouldBe(0);
    }

    [Fact]
    public async Task Cancel_by_token_and_by_timeout()
    {
        await using var source = Source();
        await using var connection = await source.OpenConnectionAsync();
        await using (var command = new NpgsqlCommand("SELECT pg_sleep(60) FROM users WHERE id = 6", connection))
        {
            using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            var error = await Should.ThrowAsync<OperationCanceledException>(() => command.ExecuteScalarAsync(cancellation.Token));
            (error.InnerException as PostgresException)?.SqlState.ShouldBe("57014");
        }
        (await ScalarAsync(connection, "SELECT name FROM users WHERE id = 6")).ShouldBe("user 6");
        await using (var command = new NpgsqlCommand("SELECT pg_sleep(60) FROM users WHERE id = 5", connection) { CommandTimeout = 1 })
            (await Should.ThrowAsync<NpgsqlException>(() => command.ExecuteScalarAsync())).InnerException.ShouldBeOfType<TimeoutException>();
        (await ScalarAsync(connection, "SELECT name FROM users WHERE id = 5")).ShouldBe("user 5");
    }

    [Fact]
    public async Task Notifications_and_notices()
    {
        await using var source = Source();
        await using var listener = await source.OpenConnectionAsync();
        var heard = new TaskCompletionSource<string>();
        listener.Notification += (_, notification) => heard.TrySetResult(notification.Payload);
        await ExecuteAsync(listener, "LISTEN npgsql_channel");
        await using var sender = await source.OpenConnectionAsync();
        var notice = new TaskCompletionSource<string>();
        sender.Notice += (_, arguments) => notice.TrySetResult(arguments.Notice.MessageText);
        await ExecuteAsync(sender, "DO $$ BEGIN RAISE NOTICE 'hello'; END $$");
        (await notice.Task.WaitAsync(Until.Patience)).ShouldBe("hello");
        await ExecuteAsync(sender, "NOTIFY npgsql_channel, 'payload'");
        await listener.WaitAsync(Until.Patience);
        (await heard.Task.WaitAsync(Until.Patience)).ShouldBe("payload");
    }

    [Fact]
    public async Task Errors_carry_their_fields()
    {
        await using var source = Source();
        await using var connection = await source.OpenConnectionAsync();
        var error = await Should.ThrowAsync<PostgresException>(() => ExecuteAsync(connection, "INSERT INTO items VALUES (1, 1, 9, 0)"));
        error.SqlState.ShouldBe(PostgresErrorCodes.CheckViolation);
        error.SchemaName.ShouldBe("public");
        error.TableName.ShouldBe("items");
        error.ConstraintName.ShouldBe("items_quantity_check");
    }

    [Fact]
    public async Task A_reset_connection_is_clean()
    {
        var settings = new NpgsqlConnectionStringBuilder(lab.Subject.ConnectionString) { Pooling = true, MaxPoolSize = 1 };
        await using var source = NpgsqlDataSource.Create(settings);
        await using (var dirty = await source.OpenConnectionAsync())
        {
            await ExecuteAsync(dirty, "SET work_mem = '17MB'");
            await ExecuteAsync(dirty, "CREATE TEMP TABLE left_over (a int)");
        }
        await using var clean = await source.OpenConnectionAsync();
        (await ScalarAsync(clean, "SHOW work_mem")).ShouldBe("4MB");
        (await Should.ThrowAsync<PostgresException>(() => ExecuteAsync(clean, "SELECT * FROM left_over"))).SqlState.ShouldBe("42P01");
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync();
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    private static object Read(NpgsqlDataReader reader, int column, object expected)
    {
        if (expected is DateOnly)
            return reader.GetFieldValue<DateOnly>(column);
        return expected is TimeOnly ? reader.GetFieldValue<TimeOnly>(column) : reader.GetValue(column);
    }

    private static NpgsqlParameter[] Values(long id) =>
    [
        new() { Value = id }, new() { Value = (short)-7 }, new() { Value = int.MaxValue }, new() { Value = long.MinValue }, new() { Value = 1.5f },
        new() { Value = 0.1 }, new() { Value = 1234567890.123m }, new() { Value = true }, new() { Value = "żółw ' \" \\" },
        new() { Value = new byte[] { 0, 1, 254, 255 } }, new() { Value = new DateOnly(2024, 2, 29) }, new() { Value = new TimeOnly(12, 34, 56) },
        new() { Value = new DateTime(2024, 2, 29, 12, 0, 0, DateTimeKind.Unspecified) }, new() { Value = new DateTime(2024, 2, 29, 12, 0, 0, DateTimeKind.Utc) },
        new() { Value = TimeSpan.FromSeconds(90) }, new() { Value = Guid.Parse("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11") },
        new() { Value = "{\"a\": 1}", NpgsqlDbType = NpgsqlDbType.Jsonb }, new() { Value = new[] { 1, 2, 3 } }, new() { Value = new[] { "a,b", "\"" } },
        new() { Value = IPAddress.Parse("10.0.0.1"), NpgsqlDbType = NpgsqlDbType.Inet }, new() { Value = new NpgsqlRange<int>(1, true, 5, false) },
        new() { Value = Mood.Happy }, new() { Value = new[] { Mood.Sad, Mood.Ok } }, new() { Value = new Pair(1, "x") }, new() { Value = 3 },
    ];

    private NpgsqlDataSource Source(bool multiplexing = false, string more = "")
    {
        var settings = new NpgsqlConnectionStringBuilder(lab.Subject.ConnectionString + ";" + more) { Pooling = true, Multiplexing = multiplexing, MaxPoolSize = 30 };
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        builder.MapEnum<Mood>("mood");
        builder.MapComposite<Pair>("pair");
        return builder.Build();
    }
}
