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
    [InlineData("select u.name from users u join (select user_id, count(*) from orders group by user_id) o on o.user_id = u.manager_id",
        "select u.name from {0} u join (SELECT * FROM {1}) o on o.user_id = u.manager_id")]
    [InlineData("select u.name from users u join (select product_id, count(*) from orders group by product_id) o on o.product_id = u.manager_id",
        "select u.name from {0} u join (select product_id, count(*) from {1} AS \"orders\" group by product_id) o on o.product_id = u.manager_id")]
    [InlineData("select u.name from users u where u.manager_id in (select o.user_id from orders o group by o.user_id having count(*) > u.score)",
        "select u.name from {0} u where u.manager_id in (select o.user_id from {1} o group by o.user_id having count(*) > u.score)")]
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
    [InlineData("select rank() over (order by id) from users where id between 3 and $1 and name = any ($2)",
        "id, name WHERE ((gathered.\"id\" OPERATOR(pg_catalog.>=) (3)) AND (gathered.\"id\" OPERATOR(pg_catalog.<=) $1)) AND (gathered.\"name\" OPERATOR(pg_catalog.=) ANY ($2))")]
    [InlineData("select rank() over (order by id) from users where score = any ('{1,2}'::float8[]) and name = any (array['a', $1])",
        "id, name, score WHERE (gathered.\"score\" OPERATOR(pg_catalog.=) ANY (CAST('{1,2}' AS pg_catalog.float8[]))) AND (gathered.\"name\" OPERATOR(pg_catalog.=) ANY (ARRAY['a', $1]))")]
    [InlineData("select count(*) from users a, users b where a.id = 1 and b.score > 2 and initcap(a.name) = 'x' or a.id = 3 and b.score > 4",
        "id, name, score WHERE ((gathered.\"id\" OPERATOR(pg_catalog.=) (1)) OR (gathered.\"id\" OPERATOR(pg_catalog.=) (3))) | id, name, score WHERE ((gathered.\"score\" OPERATOR(pg_catalog.>) (2)) OR (gathered.\"score\" OPERATOR(pg_catalog.>) (4)))")]
    [InlineData("select rank() over (order by id) from users where initcap(name) = 'a' and id + 1 = 2 and name = 'now'", "id, name")]
    [InlineData("select rank() over (order by id) from users where substring(name from 1 for 2) in ('a', 'b')",
        "id, name WHERE ((pg_catalog.\"substring\"(gathered.\"name\", (1), (2)) OPERATOR(pg_catalog.=) 'a') OR (pg_catalog.\"substring\"(gathered.\"name\", (1), (2)) OPERATOR(pg_catalog.=) 'b'))")]
    [InlineData("select rank() over (order by id) from users where substring(name from 1 for -2) = 'a' and substring(name from '[') = 'b' and length(score::text) = 3", "id, name, score")]
    [InlineData("select rank() over (order by at) from measures where at > 'now'", "at")]
    [InlineData("select *, rank() over (order by id) from users", "id, name, email, country, score, manager_id")]
    [InlineData("select rank() over (order by x) from (select id as x, name from users) s where x > 3", "id, name WHERE (gathered.\"id\" OPERATOR(pg_catalog.>) (3))")]
    [InlineData("select rank() over (order by x) from (select id as x, name from users limit 5) s where x > 3", "id, name")]
    [InlineData("select rank() over (order by x) from (select product_id as x, count(*) from orders group by 1) s where x > 3 and count > 2", "product_id WHERE (gathered.\"product_id\" OPERATOR(pg_catalog.>) (3))")]
    [InlineData("select rank() over (order by x) from (select u.id as x, o.status as y from users u left join orders o on o.product_id = u.id) s where y is null and x > 3", "id WHERE (gathered.\"id\" OPERATOR(pg_catalog.>) (3)) | id, product_id, status")]
    [InlineData("select rank() over (order by x) from (select product_id::int8 as x from orders) s where x = '5' and x < 7", "product_id WHERE (gathered.\"product_id\" OPERATOR(pg_catalog.<) (7))")]
    [InlineData("with c as (select id from users) select rank() over (order by a.id) from (select id from c) a, c b where a.id = 5", "id")]
    [InlineData("select rank() over (order by a.x) from (with c as (select id from users) select a.id as x, b.id as y from c a, c b) a where a.x = 5", "id")]
    [InlineData("select rank() over (order by o.id) from orders o where exists (select * from users u where u.name = o.status)", "id, status | id, name")]
    public void Columns_and_conditions_go_to_the_shards(string sql, string expected) =>
        string.Join(" | ", Plan(sql).Reads.Select(Show)).ShouldBe(expected);

    [Theory]
    [InlineData("select count(*) from users u join orders o on o.product_id = u.id", "0.id = 1.product_id, 1.product_id = 0.id")]
    [InlineData("select count(*) from users u left join orders o on o.product_id = u.id", "1.product_id = 0.id")]
    [InlineData("select count(*) from users u right join orders o on o.product_id = u.id", "0.id = 1.product_id")]
    [InlineData("select count(*) from users u full join orders o on o.product_id = u.id", "")]
    [InlineData("select count(*) from users u, orders o where o.product_id = u.id or o.id = 3", "")]
    [InlineData("select count(*) from users u, orders o where o.product_id = u.id and o.id = 3 or u.id = o.product_id and o.id = 4", "0.id = 1.product_id, 1.product_id = 0.id")]
    [InlineData("select count(*) from users u, orders o where not (o.product_id = u.id)", "")]
    [InlineData("select u.name from users u where exists (select * from orders o where o.product_id = u.id)", "0.id = 1.product_id, 1.product_id = 0.id")]
    [InlineData("select u.name from users u where not exists (select * from orders o where o.product_id = u.id)", "1.product_id = 0.id")]
    [InlineData("select u.name from users u where exists (select count(*) from orders o where o.product_id = u.id)", "1.product_id = 0.id")]
    [InlineData("select u.name from users u where u.id in (select product_id from orders)", "0.id = 1.product_id")]
    [InlineData("select u.name from users u where u.id not in (select product_id from orders)", "")]
    [InlineData("select u.name, (select sum(total) from orders where product_id = u.id) from users u", "1.product_id = 0.id")]
    [InlineData("select rank() over (order by o.id) from orders o join products p on p.id = o.product_id where p.name = 'x'", "0.product_id = public.products.id")]
    [InlineData("select rank() over (order by o.id) from orders o left join products p on p.id = o.product_id", "")]
    [InlineData("select count(*) from users a join users b on a.id = b.manager_id", "")]
    [InlineData("select count(*) from users u join orders o on o.total = u.id", "")]
    [InlineData("select count(*), random() from users u join orders o on o.product_id = u.id", "")]
    [InlineData("select u.name from users u, lateral (select * from orders o where o.product_id = u.id limit 1) x", "1.product_id = 0.id")]
    [InlineData("with o as (select product_id from orders) select u.name from users u join o on o.product_id = u.id", "1.id = 0.product_id")]
    [InlineData("select u.name from users u join (select product_id as p from orders) o on o.p = u.id", "0.id = 1.product_id, 1.product_id = 0.id")]
    [InlineData("select u.name from users u join (select product_id as p, sum(total) from orders group by 1) o on o.p = u.id", "0.id = 1.product_id, 1.product_id = 0.id")]
    [InlineData("select u.name from users u join (select max(product_id) as p from orders) o on o.p = u.id", "")]
    public void Which_rows_have_partners(string sql, string expected)
    {
        var plan = Plan(sql);
        string.Join(", ", plan.Links.Select(static link => $"{link.Read}.{link.Column} = {(link.Source.Table is { } table ? table.ToString() : $"{link.Source.Read}")}.{link.Source.Column}").Order(StringComparer.Ordinal)).ShouldBe(expected);
    }

    [Theory]
    [InlineData("select u.name, (select sum(total) from orders where product_id = u.id) from users u", "1.product_id")]
    [InlineData("select u.name from users u where u.score > (select avg(total) from orders o where o.product_id = u.id and o.status = u.name)", "1.product_id, 1.status")]
    [InlineData("select u.name from users u, lateral (select * from orders o where o.product_id = u.id limit 1) x", "1.product_id")]
    [InlineData("select u.name from users u where exists (select * from orders o where o.product_id = u.id)", "")]
    [InlineData("select u.name from users u join orders o on o.product_id = u.id", "")]
    public void Where_subqueries_look_for_rows(string sql, string expected) =>
        string.Join(", ", Plan(sql).Lookups.Select(static look => $"{look.Read}.{look.Column}")).ShouldBe(expected);

    [Fact]
    public void Tables_that_cut_down_a_source_go_into_it()
    {
        var link = Plan("select rank() over (order by o.id) from orders o, products p, countries c where p.id = o.product_id and p.name = c.code and c.name = 'Peru'").Links.ShouldHaveSingleItem();
        link.Source.Table!.Value.Name.ShouldBe("products");
        link.Source.IsFiltered.ShouldBeTrue();
        var inner = link.Source.Links.ShouldHaveSingleItem();
        (inner.Column, inner.Source.Column, inner.Source.Conditions.ShouldHaveSingleItem().Text).ShouldBe(("name", "code", "(gathered.\"name\" OPERATOR(pg_catalog.=) 'Peru')"));
    }

    private static GatherPlan Plan(string sql) => Shop.Plan(sql).Statements[0].Plan.ShouldBeOfType<GatherPlan>(sql);

    private static string Text(GatherPlan plan) =>
        string.Concat(plan.Text.Select(static piece => Encoding.UTF8.GetString(piece.Text.Span) + (piece.Read >= 0 ? $"{{{piece.Read}}}" : "")));

    private static string Show(GatherRead read) => string.Join(", ", read.Columns) + (read.Condition is null ? "" : " WHERE " + read.Condition);
}
