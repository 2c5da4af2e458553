using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>Tables of the suites that write: made on the subject and on the reference, sharded on the subject only.</summary>
internal static class WriteSchema
{
    public const int Accounts = 24;

    private static readonly string[] Tables =
    [
        "CREATE TABLE w_accounts (id int8 PRIMARY KEY, owner text NOT NULL, balance numeric(12,2) NOT NULL DEFAULT 10, region text, changed timestamptz, CHECK (balance >= -1000))",
        "CREATE TABLE w_entries (account int8 NOT NULL, line int4 NOT NULL, amount numeric(12,2) NOT NULL, note text DEFAULT 'none', PRIMARY KEY (account, line))",
        "CREATE TABLE w_archive (account int8 NOT NULL, line int4 NOT NULL, amount numeric(12,2), note text, PRIMARY KEY (account, line))",
        "CREATE TABLE w_stamped (id int8 PRIMARY KEY, tag text, made timestamptz NOT NULL DEFAULT now(), day date DEFAULT CURRENT_DATE)",
        "CREATE TABLE w_regions (code text PRIMARY KEY, title text NOT NULL, rate numeric(6,3) NOT NULL DEFAULT 1)",
        "CREATE TABLE w_tags (id serial PRIMARY KEY, word text NOT NULL UNIQUE, token uuid NOT NULL DEFAULT gen_random_uuid(), made timestamptz NOT NULL DEFAULT now(), uses int4 NOT NULL DEFAULT 0)",
    ];

    private static readonly string[] Distribution =
    [
        "SELECT create_distributed_table('w_accounts', 'id')",
        "SELECT create_distributed_table('w_entries', 'account', colocate_with => 'w_accounts')",
        "SELECT create_distributed_table('w_archive', 'account', colocate_with => 'w_accounts')",
        "SELECT create_distributed_table('w_stamped', 'id')",
        "SELECT create_reference_table('w_regions')",
        "SELECT create_reference_table('w_tags')",
    ];

    /// <summary>What the tables hold, in an order that both sides share.</summary>
    public static readonly string[] State =
    [
        "SELECT id, owner, balance, region, changed IS NULL FROM w_accounts ORDER BY id",
        "SELECT * FROM w_entries ORDER BY account, line",
        "SELECT * FROM w_archive ORDER BY account, line",
        "SELECT id, tag FROM w_stamped ORDER BY id",
        "SELECT * FROM w_regions ORDER BY code",
        "SELECT word, uses FROM w_tags ORDER BY word",
    ];

    public static async Task CreateAsync(Lab lab)
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var table in Tables)
                await client.MustAsync(table);
            if (endpoint == lab.Subject && !Lab.IsDirect)
            {
                foreach (var statement in Distribution)
                    await client.MustAsync(statement);
            }
            foreach (var statement in Rows())
                await client.MustAsync(statement);
            var regions = await client.RunAsync(new FrontendScript().Query("COPY w_regions FROM STDIN").CopyData("eu\tEurope\t1.1\nus\tAmerica\t1.2\nas\tAsia\t1.3\n").CopyDone());
            regions.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', regions));
        }
    }

    public static async Task DropAsync(Lab lab)
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var table in (string[])["w_entries", "w_archive", "w_accounts", "w_stamped", "w_regions", "w_tags"])
                await client.QueryAsync($"DROP TABLE IF EXISTS {table}");
        }
    }

    private static IEnumerable<string> Rows()
    {
        for (var account = 1; account <= Accounts; account++)
        {
            yield return $"INSERT INTO w_accounts (id, owner, balance, region) VALUES ({account}, 'owner {account}', {account}.50, {(account % 5 == 0 ? "NULL" : account % 2 == 0 ? "'eu'" : "'us'")})";
            for (var line = 1; line <= account % 3; line++)
                yield return $"INSERT INTO w_entries (account, line, amount) VALUES ({account}, {line}, {account * line})";
        }
    }
}
