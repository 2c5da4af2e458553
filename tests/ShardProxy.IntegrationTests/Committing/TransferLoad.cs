using System.Collections.Concurrent;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Committing;

/// <summary>
/// The load of the crash tests: each transaction adds a number to an account, a teller and a branch and notes it in the
/// history, on up to four shards. The clients keep a journal of what they were told of each.
/// </summary>
internal sealed class TransferLoad(IReadOnlyList<Endpoint> proxies, int seed)
{
    public const int Accounts = 400;
    public const int Tellers = 40;
    public const int Branches = 12;

    private readonly ConcurrentDictionary<long, Outcome> _journal = new();
    private volatile bool _isStopping;
    private Task[] _clients = [];
    private long _next;
    private long _acknowledged;

    /// <summary>What a client knows of a transaction.</summary>
    public enum Outcome
    {
        Acknowledged,
        RolledBack,
        Unknown,
    }

    public static IReadOnlyDictionary<string, string> Tables { get; } = new Dictionary<string, string>
    {
        ["accounts"] = "{ key: id }",
        ["tellers"] = "{ key: id }",
        ["branches"] = "{ key: id }",
        ["history"] = "{ key: id }",
    };

    public IReadOnlyDictionary<long, Outcome> Journal => _journal;

    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    public static async Task CreateAsync(Endpoint proxy)
    {
        await using var client = await WireClient.ConnectAsync(proxy);
        foreach (var (table, rows) in ((string, int)[])[("accounts", Accounts), ("tellers", Tellers), ("branches", Branches)])
        {
            await client.MustAsync($"CREATE TABLE {table} (id int4 PRIMARY KEY, balance int8 NOT NULL)");
            await client.MustAsync($"INSERT INTO {table} (id, balance) SELECT i, 0 FROM generate_series(1, {rows}) i");
        }
        await client.MustAsync("CREATE TABLE history (id int8 PRIMARY KEY, delta int4 NOT NULL)");
    }

    public void Start(int clients) => _clients = [.. Enumerable.Range(0, clients).Select(number => Task.Run(() => RunAsync(number)))];

    public Task StopAsync()
    {
        _isStopping = true;
        return Task.WhenAll(_clients);
    }

    private async Task RunAsync(int number)
    {
        var random = new Random(seed * 1000 + number);
        while (!_isStopping)
        {
            try
            {
                await using var client = await WireClient.ConnectAsync(proxies[number % proxies.Count]);
                while (!_isStopping)
                    await TransferAsync(client, Interlocked.Increment(ref _next), random);
            }
            catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
            {
                // The proxy is down: until it is up again there is nobody to wait for but it.
                await Task.Delay(20);
            }
        }
    }

    private async Task TransferAsync(WireClient client, long id, Random random)
    {
        // Known to be nothing until COMMIT is on its way.
        _journal[id] = Outcome.RolledBack;
        var delta = random.Next(-5000, 5001);
        string[] statements =
        [
            "BEGIN",
            $"UPDATE accounts SET balance = balance + {delta} WHERE id = {random.Next(1, Accounts + 1)}",
            $"UPDATE tellers SET balance = balance + {delta} WHERE id = {random.Next(1, Tellers + 1)}",
            $"UPDATE branches SET balance = balance + {delta} WHERE id = {random.Next(1, Branches + 1)}",
            $"INSERT INTO history (id, delta) VALUES ({id}, {delta})",
        ];
        foreach (var statement in statements)
        {
            if ((await client.QueryAsync(statement)).Any(static message => message.Type == 'E'))
            {
                await client.QueryAsync("ROLLBACK");
                return;
            }
        }
        _journal[id] = Outcome.Unknown;
        var replies = await client.QueryAsync("COMMIT");
        if (replies.FirstOrDefault(static message => message.Type == 'E') is { } error)
        {
            if (error.SqlState != "08007")
                _journal[id] = Outcome.RolledBack;
            return;
        }
        replies.First(static message => message.Type == 'C').CommandTag.ShouldBe("COMMIT");
        _journal[id] = Outcome.Acknowledged;
        Interlocked.Increment(ref _acknowledged);
    }
}
