using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>Writes to reference tables: the answers of one PostgreSQL, and afterwards the same rows on every shard.</summary>
[Collection(LabCollection.Name)]
public sealed class ReferenceWriteTests(Lab lab) : IAsyncLifetime
{
    public Task InitializeAsync() => WriteSchema.CreateAsync(lab);

    public Task DisposeAsync() => WriteSchema.DropAsync(lab);

    [Fact]
    public async Task Answers_are_those_of_one_server()
    {
        await using var beside = await WritesBeside.ConnectAsync(lab);
        foreach (var statement in (string[])
                 [
                     "INSERT INTO w_regions VALUES ('af', 'Africa', 2), ('oc', 'Oceania', DEFAULT) RETURNING *",
                     "INSERT INTO w_regions (code, title) VALUES ('eu', 'x'), ('an', 'y')",
                     "INSERT INTO w_regions (code, title) VALUES ('eu', 'x'), ('an', 'Antarctica') ON CONFLICT (code) DO UPDATE SET title = w_regions.title || '!' RETURNING code, title",
                     "UPDATE w_regions SET rate = rate + 1 WHERE code < 'c' RETURNING rate, w_regions.*",
                     "UPDATE w_regions r SET title = upper(r.title) FROM (VALUES ('eu'), ('us')) v(c) WHERE v.c = r.code",
                     "UPDATE w_regions SET rate = (SELECT max(rate) FROM w_regions) RETURNING code",
                     "UPDATE w_regions SET code = 'eu'",
                     "UPDATE w_regions SET nope = 1",
                     "DELETE FROM w_regions WHERE code = 'an' RETURNING title AS gone",
                     "INSERT INTO w_regions SELECT code || '2', title, rate FROM w_regions WHERE rate > 1",
                     "INSERT INTO w_tags (word) VALUES ('a'), ('b'), ('c')",
                     "INSERT INTO w_tags (word, uses) VALUES ('d', 1), ('a', 2), ('e', 3) ON CONFLICT (word) DO NOTHING RETURNING word, uses",
                     "INSERT INTO w_tags (word) VALUES ('a')",
                     "UPDATE w_tags SET uses = uses + 1, made = now() WHERE word <> 'b'",
                     "BEGIN",
                     "DELETE FROM w_tags WHERE word = 'a'",
                     "SELECT count(*) FROM w_tags",
                     "ROLLBACK",
                     "BEGIN",
                     "INSERT INTO w_tags (word) VALUES ('f')",
                     "UPDATE w_accounts SET region = 'oc' WHERE id IN (1, 2, 3)",
                     "COMMIT",
                     "DELETE FROM w_tags WHERE made > now() + interval '1 day'",
                     "INSERT INTO w_regions (code, title) SELECT 'r' || id, owner FROM w_accounts WHERE id < 6",
                     "INSERT INTO w_regions SELECT DISTINCT 'e' || e.account, 'entries', a.balance / 3 FROM w_entries e JOIN w_accounts a ON a.id = e.account ON CONFLICT DO NOTHING",
                     "INSERT INTO w_regions (code, title) SELECT 'eu', 'x' FROM w_accounts",
                     "INSERT INTO w_tags (word, uses, token) SELECT 'x' || id, id, md5(id::text)::uuid FROM w_accounts ORDER BY id",
                     "SELECT word, uses FROM w_tags WHERE word LIKE 'x%' ORDER BY uses",
                 ])
        {
            await beside.SameAsync(statement);
        }
        await beside.SameAsync(new FrontendScript().Run("INSERT INTO w_regions (code, title, rate) VALUES ($1, $2, $3) RETURNING rate, code", ["sa", "South", "1.5"], resultFormat: 1).Sync(), "parameters");
        await beside.SameAsync(new FrontendScript().Run("UPDATE w_regions SET rate = $1 WHERE code = $2", ["1.25", "sa"]).Sync(), "parameters");
        await beside.SameStateAsync("the writes");
        await SameOnEveryShardAsync();
        (await beside.RefusedAsync("INSERT INTO w_tags (word) SELECT 'y' || id FROM w_accounts"))!.SqlState.ShouldBe("0A000");
        (await beside.RefusedAsync("UPDATE w_regions SET rate = random()"))!.SqlState.ShouldBe("0A000");
        (await beside.RefusedAsync("INSERT INTO w_tags (word) VALUES ('a') ON CONFLICT (word) DO UPDATE SET uses = 9"))!.SqlState.ShouldBe("0A000");
    }

    /// <summary>Writers meet on the same rows, with conditions on what others change: the copies stay alike.</summary>
    [Fact]
    public async Task Copies_stay_alike_under_concurrent_writers()
    {
        var writers = Enumerable.Range(0, 8).Select(async writer =>
        {
            var random = new Random(writer);
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            for (var round = 0; round < 25; round++)
            {
                var statement = random.Next(4) switch
                {
                    0 => $"INSERT INTO w_tags (word) VALUES ('{writer}-{round}'), ('w{random.Next(20)}') ON CONFLICT DO NOTHING",
                    1 => $"UPDATE w_tags SET uses = uses + 1 WHERE uses = {random.Next(3)}",
                    2 => $"UPDATE w_tags SET uses = 0 WHERE word LIKE 'w%'",
                    _ => $"DELETE FROM w_tags WHERE uses > {2 + random.Next(3)}",
                };
                var answer = await client.QueryAsync(statement);
                answer.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', answer));
            }
        });
        await Task.WhenAll(writers);
        await SameOnEveryShardAsync();
    }

    private async Task SameOnEveryShardAsync()
    {
        if (Lab.IsDirect)
            return;
        foreach (var table in (string[])["w_regions", "w_tags"])
        {
            var copies = new List<string>();
            foreach (var shard in lab.Cluster.Shards)
                copies.Add(await shard.ScalarAsync<string>($"SELECT count(*) || ' ' || md5(string_agg(t::text, ',' ORDER BY t::text COLLATE \"C\")) FROM {table} t"));
            copies.Distinct().Count().ShouldBe(1, $"{table}: {string.Join(" / ", copies)}");
        }
    }
}
