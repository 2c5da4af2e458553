using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>string_agg, array_agg, json_agg and their kin over shards: the shards send columns, and one statement over these makes the rows.</summary>
[Collection(LabCollection.Name)]
public sealed class CollectingAggregateTests(Lab lab)
{
    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("SELECT string_agg(name, ',' ORDER BY id) FROM users")]
    [InlineData("SELECT string_agg(name, ', ' ORDER BY id DESC), count(*), max(balance) FROM users WHERE id > 100000")]
    [InlineData("SELECT product, string_agg(amount::text, '+' ORDER BY user_id, id), sum(amount), count(DISTINCT user_id), avg(id) FROM orders GROUP BY product ORDER BY product")]
    [InlineData("SELECT product p, array_agg(user_id ORDER BY user_id, id) FILTER (WHERE amount > 20) AS who FROM orders GROUP BY p HAVING count(*) > 1 ORDER BY p DESC NULLS FIRST LIMIT 5 OFFSET 1")]
    [InlineData("SELECT json_agg(id ORDER BY id), jsonb_agg(name ORDER BY id), json_object_agg(id, balance ORDER BY id), jsonb_object_agg(id, balance) FROM users")]
    [InlineData("SELECT json_agg(json_build_object('id', o.id, 'note', o.note, 'placed', o.placed) ORDER BY o.user_id, o.id) FROM orders o WHERE o.amount > 10")]
    [InlineData("SELECT u.id, u.name, array_agg(o.amount ORDER BY o.id) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id ORDER BY u.id")]
    [InlineData("SELECT u.name || '!', lower(u.name), array_agg(coalesce(o.note, '?') ORDER BY o.user_id, o.id) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.name ORDER BY 1, 2")]
    [InlineData("SELECT p.title, string_agg(DISTINCT o.user_id::text, '/' ORDER BY o.user_id::text) FROM orders o JOIN products p ON p.id = o.product GROUP BY p.title, p.price ORDER BY p.price, p.title")]
    [InlineData("SELECT array_agg(DISTINCT product ORDER BY product DESC NULLS LAST), array_agg(b ORDER BY id) FROM (SELECT id, product, amount > 10 AS b FROM orders WHERE user_id = 3) s")]
    [InlineData("SELECT extract(year FROM placed)::int, jsonb_agg(jsonb_build_array(user_id, id) ORDER BY user_id, id) FROM orders GROUP BY 1 ORDER BY 1")]
    [InlineData("SELECT json_agg(payload ORDER BY device, at), jsonb_agg(payload -> 'a' ORDER BY device, at) FROM events")]
    [InlineData("SELECT product, array_agg(id ORDER BY user_id, id), rank() OVER (ORDER BY count(*) DESC, product) FROM orders GROUP BY product ORDER BY product")]
    [InlineData("SELECT array_agg(1), json_agg('x'), string_agg('a', '') FROM users")]
    [InlineData("SELECT DISTINCT array_agg(id ORDER BY id) FROM orders GROUP BY user_id ORDER BY 1")]
    [InlineData("SELECT string_agg(note, NULL ORDER BY user_id, id), string_agg(note, product::text ORDER BY user_id, id) FROM orders")]
    [InlineData("SELECT string_agg(email, ',' ORDER BY email DESC, id), array_agg(born ORDER BY born, id) FROM users")]
    [InlineData("SELECT array_agg(feeling ORDER BY id), array_agg(tags[1] ORDER BY id) FROM users")]
    [InlineData("SELECT json_agg(u ORDER BY id) FROM users u")]
    [InlineData("SELECT json_agg(x.*) FROM (SELECT id FROM users ORDER BY id DESC) x")]
    [InlineData("SELECT string_agg(name, ',') FROM (SELECT name FROM users ORDER BY id DESC) x")]
    [InlineData("SELECT string_agg(id, ',') FROM users")]
    [InlineData("SELECT string_agg(name, ',' ORDER BY nothing) FROM users")]
    [InlineData("SELECT name, string_agg(name, ',') FROM users GROUP BY feeling")]
    public Task As_one_PostgreSQL(string statement) => _differential.SameInAllProtocolsAsync(statement);

    [Fact]
    public Task With_parameters() => _differential.SameAsync(
        new FrontendScript().Parse("SELECT product, string_agg(note || $1, $2 ORDER BY user_id, id) FROM orders WHERE amount > $3 GROUP BY product HAVING count(*) > $4 ORDER BY product LIMIT $5", "p").DescribeStatement("p")
            .Bind(["!", "; ", "5", "1", "4"], statement: "p").Execute().Bind(["?", "", "1", "0", "2"], statement: "p", resultFormat: 1).Execute(1).Execute().Sync());

    [Fact]
    public async Task Without_an_order_the_values_are_the_same_in_some_order()
    {
        foreach (var statement in (string[])["SELECT string_agg(id::text, ',') FROM users", "SELECT array_to_string(array_agg(id), ',') FROM users"])
        {
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            var ids = (await client.ScalarAsync(statement)).Split(',').Select(int.Parse).Order();
            ids.ShouldBe(Enumerable.Range(1, LabSchema.UserCount));
        }
    }

    [Theory]
    [InlineData("SELECT product, json_agg(note ORDER BY id) FROM orders GROUP BY product", true)]
    [InlineData("SELECT json_agg(u) FROM users u", false)]
    public async Task Is_not_gathered(string statement, bool merged)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        var plan = string.Join('\n', (await client.MustAsync("EXPLAIN " + statement)).Where(static message => message.Type == 'D').Select(static message => message.TextValues[0]));
        plan.Contains("Gather", StringComparison.OrdinalIgnoreCase).ShouldBe(!merged, plan);
    }
}
