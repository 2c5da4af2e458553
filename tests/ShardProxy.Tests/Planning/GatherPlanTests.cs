using System.Text;
using ShardProxy.Planning.Gathering;

namespace ShardProxy.Tests.Planning;

/// <summary>What a gather reads of each table, and how its text is cut.</summary>
public sealed class GatherPlanTests
{
    [Theory]
    [InlineData(
        "select u.name, o.total from users u join orders o on o.product_id = u.id where u.score > 5 and o.status = 'open'",
        "select u.name, o.total from {0} u join {1} o on o.product_id = u.id where u.score > 5 and o.status = 'open'")]
    [InlineData("select public.users.name from public.users, orders", "select users.name from {0} AS \"users\", {1} AS \"orders\"")]
    [InlineData("select rank() over (order by x.\"Key\") from sales.\"Orders\" as x", "select rank() over (order by x.\"Key\") from {0} as x")]
    [InlineData("select rank() over (order by n) from open_orders where n > 1",
        "select rank() over (order by n) from ( SELECT orders.user_id, count(*) AS n\n   FROM {0} AS \"orders\"\n  WHERE (orders.status = 'open'::text)\n  GROUP BY orders.user_id\n) AS \"open_orders\" where n > 1")]
    [InlineData("with users as (select 1 as id) select rank() over (order by o.id) from users, orders o", "with users as (select 1 as id) select rank() over (order by o.id) from users, {0} o")]
    public void Names_are_replaced_and_nothing_else(string sql, string expected) => Text(Plan(sql)).ShouldBe(expected);

    [Theory]
    [InlineData("select rank() over (order by u.id) from users u where u.score > 5 and name like 'a%'",
        "id, name, score WHERE (gathered.\"score\" OPERATOR(pg_catalog.>) (5)) AND (gathered.\"name\" OPERATOR(pg_catalog.~~) 'a%')")]
    [InlineData("select rank() over (order by id) from users where id in (1, 2) or email is null",
        "id, email WHERE (((gathered.\"id\" OPERATOR(pg_catalog.=) (1)) OR (gathered.\"id\" OPERATOR(pg_catalog.=) (2))) OR (gathered.\"email\" IS NULL))")]
    [InlineData("select count(*) from orders o left join users u on u.name = o.status and u.id > 3 where o.id < 9",
        "id, status WHERE (gathered.\"id\" OPERATOR(pg_catalog.<) (9)) | id, name WHERE (gathered.\"id\" OPERATOR(pg_catalog.>) (3))")]
    [InlineData("select count(*) from orders o left join users u on u.name = o.status and o.id > 3 where u.id < 9", "id, status | id, name")]
    [InlineData("select count(*) from orders a, orders b where a.id = 1 and b.total = 2", "id, total WHERE (gathered.\"id\" OPERATOR(pg_catalog.=) (1)) | id, total WHERE (gathered.\"total\" OPERATOR(pg_catalog.=) (2))")]
    [InlineData("select count(*) from orders a, orders b where a.id = 1", "id")]
    [InlineData("select rank() over (order by id) from users where lower(name) = 'a' and id + 1 = 2 and name = 'now'", "id, name")]
    [InlineData("select rank() over (order by at) from measures where at > 'now'", "at")]
    [InlineData("select *, rank() over (order by id) from users", "id, name, email, country, score, manager_id")]
    [InlineData("select rank() over (order by o.id) from orders o where exists (select * from users u where u.name = o.status)", "id, status | id, name")]
    public void Columns_and_conditions_go_to_the_shards(string sql, string expected) =>
        string.Join(" | ", Plan(sql).Reads.Select(Show)).ShouldBe(expected);

    private static GatherPlan Plan(string sql) => Shop.Plan(sql).Statements[0].Plan.ShouldBeOfType<GatherPlan>(sql);

    private static string Text(GatherPlan plan) =>
        string.Concat(plan.Text.Select(static piece => Encoding.UTF8.GetString(piece.Text.Span) + (piece.Read >= 0 ? $"{{{piece.Read}}}" : "")));

    private static string Show(GatherRead read) => string.Join(", ", read.Columns) + (read.Condition is null ? "" : " WHERE " + read.Condition);
}
