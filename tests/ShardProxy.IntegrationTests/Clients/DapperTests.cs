using Dapper;
using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Clients;

/// <summary>Dapper: parameters by name, lists of keys, several results, transactions.</summary>
[Collection(ClientsCollection.Name)]
public sealed class DapperTests(Lab lab)
{
    private const long First = 70_000;

    private sealed record User(long Id, string Name, decimal Balance);

    [Fact]
    public async Task Rows_are_read_and_written()
    {
        await using var connection = await lab.Subject.OpenAsync();
        for (var id = First; id < First + 6; id++)
        {
            (await connection.ExecuteAsync("INSERT INTO users (id, name, balance) VALUES (@Id, @Name, @Balance)", new User(id, "dapper", 2.5m))).ShouldBe(1);
            (await connection.QuerySingleAsync<User>("SELECT id, name, balance FROM users WHERE id = @id", new { id })).ShouldBe(new User(id, "dapper", 2.5m));
            (await connection.QueryAsync<string>("SELECT name FROM users WHERE id = ANY(@ids)", new { ids = new[] { id } })).ShouldBe(["dapper"]);
            (await connection.ExecuteAsync("DELETE FROM users WHERE id = @id", new { id })).ShouldBe(1);
        }
    }

    [Fact]
    public async Task Several_results_of_one_text()
    {
        await using var connection = await lab.Subject.OpenAsync();
        await using var results = await connection.QueryMultipleAsync(
            "SELECT name FROM users WHERE id = @id; SELECT id FROM orders WHERE user_id = @id ORDER BY id", new { id = 7L });
        (await results.ReadSingleAsync<string>()).ShouldBe("user 7");
        (await results.ReadAsync<int>()).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task Transactions()
    {
        await using var connection = await lab.Subject.OpenAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await connection.ExecuteAsync("UPDATE users SET balance = balance + 1 WHERE id = 9", transaction: transaction);
            await transaction.RollbackAsync();
        }
        (await connection.QuerySingleAsync<decimal>("SELECT balance FROM users WHERE id = 9")).ShouldBe(9.5m);
        var error = await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync("INSERT INTO users (id, name) VALUES (9, 'x')"));
        error.SqlState.ShouldBe("23505");
    }
}
