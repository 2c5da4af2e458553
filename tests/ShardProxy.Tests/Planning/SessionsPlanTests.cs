namespace ShardProxy.Tests.Planning;

/// <summary>Transactions, settings, prepared statements, cursors and the like.</summary>
public sealed class SessionsPlanTests
{
    [Theory]
    [InlineData("begin", "Begin")]
    [InlineData("commit", "Commit")]
    [InlineData("set search_path to a, \"B\"", "Set search_path = a, \"B\"")]
    [InlineData("set local statement_timeout = 5", "SetLocal statement_timeout = 5")]
    [InlineData("select set_config('app.x', $1, false)", "Set app.x = null $1 (function)")]
    [InlineData("prepare p(int8) as select * from users where id = $1", "prepare p(20) 'select * from users where id = $1': $1")]
    [InlineData("execute p(5)", "execute p(5)")]
    [InlineData("declare c cursor for select * from users where id = 5", "Declare c 5")]
    [InlineData("explain analyze update users set name = 'x' where id = 5", "5 [Writes]")]
    [InlineData("explain update users set name = 'x' where id = 5", "5")]
    [InlineData("selec 1", "unread 1: syntax error at or near \"selec\" [Writes]")]
    [InlineData("set session characteristics as transaction isolation level serializable, read only", "Set default_transaction_isolation = serializable, default_transaction_read_only = on")]
    [InlineData("set time zone 'UTC'", "Set timezone = UTC")]
    [InlineData("show search_path", "any [FollowsTransaction]")]
    [InlineData("show shardproxy.key", "show shardproxy.key")]
    [InlineData("discard all", "discard All [NotInTransaction]")]
    [InlineData("deallocate all", "deallocate all")]
    [InlineData("fetch 5 from c", "Fetch c [FollowsTransaction]")]
    [InlineData("close all", "Close all [FollowsTransaction]")]
    [InlineData("listen x", "home [Pins]")]
    [InlineData("unlisten *", "home [Unpins]")]
    [InlineData("execute p(1, 'x', null, 1+1)", "execute p(1, 'x', null, ?)")]
    [InlineData("select create_distributed_table('orders', 'user_id', colocate_with => 'users')", "distribute orders by user_id with users [ChangesCatalog, NotInTransaction]")]
    [InlineData("select create_reference_table('products')", "distribute products by - with - reference [ChangesCatalog, NotInTransaction]")]
    [InlineData("select set_config('a.b', 'x', false), set_config('c', $1, true)", "Set a.b = x, c =  (function)")]
    [InlineData("select set_config('a.b', name, false) from users where id = 5", "refused 0A000: set_config() changes the session's settings and is understood only by itself, with a constant name and is_local [Pins, Taints, FollowsTransaction]")]
    [InlineData("select set_config('a.b', 'x', true), * from users where id = 5", "5 [Taints, FollowsTransaction]")]
    [InlineData("select set_config($1, 'x', false)", "refused 0A000: set_config() changes the session's settings and is understood only by itself, with a constant name and is_local [Pins, Taints, FollowsTransaction]")]
    [InlineData("prepare p as select count(*) from orders", "prepare p() 'select count(*) from orders': refused 0A000: PREPARE of a statement over several shards is not supported")]
    [InlineData("explain select count(*) from orders", "refused 0A000: EXPLAIN of this statement has no one shard to run on")]
    [InlineData("declare c cursor for select count(*) from orders", "refused 0A000: a cursor needs a plain query")]
    public void PlansAsExpected(string sql, string plan) => PlanPrinter.Print(sql).ShouldBe(plan);
}
