namespace ShardProxy.Tests.Planning;

/// <summary>Where INSERT, UPDATE, DELETE and MERGE run.</summary>
public sealed class WritesPlanTests
{
    [Theory]
    [InlineData("insert into users (id, name) values (5, 'x')", "store 5! [Writes]")]
    [InlineData("insert into users values (5, 'x'), (6, 'y')", "store 5! + 6! [Writes]")]
    [InlineData("insert into users (name) values ('x')", "refused 0A000: the INSERT into \"users\" gives no value for id, by which the table is sharded [Writes]")]
    [InlineData("insert into users (id) values (default)", "refused 0A000: the INSERT into \"users\" gives no value for id, by which the table is sharded [Writes]")]
    [InlineData("insert into users (id) values ($1)", "store $1! [Writes]")]
    [InlineData("update users set name = 'x' where id = 5", "5 [Writes]")]
    [InlineData("update users set id = 6 where id = 5", "6! + 5 [Writes]")]
    [InlineData("update users set id = id where id = 5", "5! + 5 [Writes]")]
    [InlineData("delete from orders using users where orders.user_id = users.id and users.id = 7", "7 [Writes]")]
    [InlineData("delete from orders", "refused 0A000: \"orders\" is sharded by user_id and the statement does not confine it to one shard [Writes]")]
    [InlineData("insert into orders (user_id, id) select id, 1 from users where id = 5", "store 5! + 5 [Writes]")]
    [InlineData("insert into orders (user_id, id) select id, 1 from users", "refused 0A000: the value of user_id, by which \"orders\" is sharded, is not known before the statement runs [Writes]")]
    [InlineData("merge into users u using (select 5 as id, 'x' as name) s on u.id = s.id when matched then update set name = s.name when not matched then insert (id, name) values (s.id, s.name)", "5! + 5 [Writes]")]
    [InlineData("merge into users u using (values ($1, $2)) as s(id, name) on u.id = s.id when matched then update set name = s.name when not matched then insert (id, name) values (s.id, s.name)", "$1! + $1 [Writes]")]
    [InlineData("insert into orders (user_id, id) select $1, id from products", "store $1! [Writes]")]
    [InlineData("insert into orders (user_id, id) select '5', id from products", "store '5'! [Writes]")]
    [InlineData("with x as (insert into users (id) values (5) returning id) insert into orders (user_id) select id from x", "store 5! [Writes]")]
    [InlineData("with x as (delete from orders where user_id = 5 returning *) insert into orders select * from x", "store 5! + 5 [Writes]")]
    [InlineData("with d as (update users set name = 'x' where id = 5 returning id, manager_id) select * from d join orders o on o.user_id = d.id", "5 [Writes]")]
    [InlineData("insert into products values (1)", "refused 0A000: \"products\" is a reference table, and writes to reference tables come with two-phase commit [Writes]")]
    [InlineData("update products set name = 'x'", "refused 0A000: \"products\" is a reference table, and writes to reference tables come with two-phase commit [Writes]")]
    [InlineData("insert into settings select 'x'", "home [Writes]")]
    [InlineData("insert into settings select name from users where id = 5", "refused 0A000: \"settings\" is on the home shard only and cannot be used in one statement with the sharded table \"users\" [Writes]")]
    [InlineData("insert into events_2024 values (5)", "store 5! [Writes]")]
    [InlineData("insert into settings_view values ('x')", "home [Writes]")]
    [InlineData("insert into vip_orders values (1)", "refused 0A000: \"vip_orders\" is a view over sharded or reference tables and cannot be written through [Writes]")]
    [InlineData("update users set name = 'x' where current of c", "Fetch c [Writes, FollowsTransaction]")]
    [InlineData("insert into users (id) values (5) on conflict (id) do update set id = excluded.id, name = 'x'", "store 5! [Writes]")]
    [InlineData("insert into users (id) values (5) on conflict (id) do update set id = 7", "store 5! + 7! [Writes]")]
    public void PlansAsExpected(string sql, string plan) => PlanPrinter.Print(sql).ShouldBe(plan);
}
