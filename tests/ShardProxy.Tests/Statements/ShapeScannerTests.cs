using System.Text;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Statements;

public sealed class ShapeScannerTests
{
    [Theory]
    [InlineData("SELECT 1", "select /* c */ 2 ;;")]
    [InlineData("select a from t where b = 'x'", "SELECT a\nFROM t -- c\nWHERE b = 'it''s'")]
    [InlineData("select 'a'", "select $x$a$x$")]
    [InlineData("select 'a'", "select E'\\'a'")]
    [InlineData("select 'a'", "select 'a' -- c\n 'b'")]
    [InlineData("select 'a'", "select 'a'--c\r\n--d\n'b'")]
    [InlineData("select * from t where a in (1, 2)", "select * from t where a in(1,2,3)")]
    [InlineData("select * from t where a in (1, 5000000000)", "select * from t where a in (5000000000)")]
    [InlineData("select * from t where a = any(array['a'])", "select * from t where a = any(array['a','b'])")]
    [InlineData("select 1.5", "select 1e10")]
    [InlineData("select 1.5", "select .5")]
    [InlineData("select 1.5", "select 1.")]
    [InlineData("select 1; select 2", ";select 1;;select 2;")]
    [InlineData("select a=-1", "select a = - 1")]
    [InlineData("/* shardproxy: key=1 */ select 1", "/*shardproxy:key = 'x y'*/ select 2")]
    public void Texts_of_one_shape(string one, string other) => ShapeOf(one).ShouldBe(ShapeOf(other));

    [Theory]
    [InlineData("select 1", "select 1.0")]
    [InlineData("select 1", "select 5000000000")]
    [InlineData("select 1", "select '1'")]
    [InlineData("select 1", "select b'1'")]
    [InlineData("select x'1'", "select b'1'")]
    [InlineData("select n 'x'", "select n'x'")]
    [InlineData("select a -5", "select a (5)")]
    [InlineData("select - -5", "select --5\n 5")]
    [InlineData("select \"A\"", "select A")]
    [InlineData("select 1 abc", "select 1abc")]
    [InlineData("select 0x1f", "select 0x1e")]
    [InlineData("select 1_000", "select 1_001")]
    [InlineData("select $1abc", "select $1 abc")]
    [InlineData("select u&'a!0041' uescape '!'", "select u&'a!0041' uescape '?'")]
    [InlineData("select t.in(1,2)", "select t.in(1,2,3)")]
    [InlineData("select * from t where a in ('a', 1)", "select * from t where a in ('a', 1, 1)")]
    [InlineData("select f(1,2)", "select f(1,2,3)")]
    [InlineData("select array[1]", "select array[[1]]")]
    [InlineData("select 'a' 'b'", "select 'a'\n'b'")]
    [InlineData("select a @-1", "select a @ -1")]
    [InlineData("/* shardproxy: key=1 */ select 1", "select 1")]
    [InlineData("/* shardproxy: shard=a */ select 1", "/* shardproxy: shard=b */ select 1")]
    [InlineData("/* shardproxy: shard=a */ select 1", "/* shardproxy: key=a */ select 1")]
    public void Texts_of_different_shapes(string one, string other) => ShapeOf(one).ShouldNotBe(ShapeOf(other));

    [Theory]
    [InlineData("select 'a")]
    [InlineData("select \"a")]
    [InlineData("select $x$a$y$")]
    [InlineData("select /* /* */")]
    [InlineData("/* x")]
    [InlineData("select e'a\\'")]
    [InlineData("select e'a\\")]
    [InlineData("select b'1")]
    [InlineData("select \u0001")]
    public void Unfinished_texts(string sql) => Scan(sql).IsComplete.ShouldBeFalse();

    [Theory]
    [InlineData("SELECT 1; SELECT 2 ; ", "SELECT 1", "SELECT 2")]
    [InlineData(" /* a */ ; -- b\n", new string[0])]
    [InlineData("create rule r as on insert to t do (select 1; select 2); select 3", "create rule r as on insert to t do (select 1; select 2)", "select 3")]
    [InlineData(
        "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3",
        "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end",
        "select 3")]
    [InlineData("begin; select 1; end;", "begin", "select 1", "end")]
    [InlineData("create table t (a int); begin; insert into t values (1)", "create table t (a int)", "begin", "insert into t values (1)")]
    public void Statements(string sql, params string[] statements)
    {
        var scanner = Scan(sql);
        Enumerable.Range(0, scanner.StatementCount).Select(index => scanner.GetStatement(index)).Select(bounds => sql[bounds.Start..bounds.End])
            .ShouldBe(statements);
    }

    [Theory]
    [InlineData("/* shardproxy: key=42 */ select 1", RoutingHintKind.Key, "42")]
    [InlineData("/* other */ /*shardproxy:key = 'a b'*/select 1", RoutingHintKind.Key, "'a b'")]
    [InlineData("/* ShardProxy: Shard=s1 */ select 1", RoutingHintKind.Shard, "s1")]
    [InlineData("/* shardproxy: key=42 zone='e u' */ select 1", RoutingHintKind.Key, "42")]
    [InlineData("/* shardproxy: key=42 zone */ select 1", RoutingHintKind.Malformed, "/* shardproxy: key=42 zone */")]
    [InlineData("/* shardproxy: shard=a zone=eu */ select 1", RoutingHintKind.Malformed, "/* shardproxy: shard=a zone=eu */")]
    [InlineData("/* shardproxy: key */ select 1", RoutingHintKind.Malformed, "/* shardproxy: key */")]
    [InlineData("/* shardproxy: key='a */ select 1", RoutingHintKind.Malformed, "/* shardproxy: key='a */")]
    [InlineData("/* shardproxy: key=1 2 */ select 1", RoutingHintKind.Malformed, "/* shardproxy: key=1 2 */")]
    [InlineData("select 1 /* shardproxy: key=1 */", RoutingHintKind.None, "")]
    public void Hints(string sql, RoutingHintKind kind, string value)
    {
        var hint = Scan(sql).Hint;
        hint.Kind.ShouldBe(kind);
        sql.Substring(hint.Value.Start, hint.Value.Length).ShouldBe(value);
    }

    [Theory]
    [InlineData("", FirstKeyword.None)]
    [InlineData("(select 1)", FirstKeyword.Other)]
    [InlineData("foo", FirstKeyword.Other)]
    [InlineData("Select 1", FirstKeyword.Select)]
    [InlineData(" ; DEALLOCATE x", FirstKeyword.Deallocate)]
    public void First_keyword(string sql, FirstKeyword keyword) => Scan(sql).FirstKeyword.ShouldBe(keyword);

    [Fact]
    public void A_slot_is_found_by_offset()
    {
        const string Sql = "select 1 where a in (2, 3) and b = -4";
        var scanner = Scan(Sql);
        scanner.SlotCount.ShouldBe(3);
        scanner.FindSlot(Sql.IndexOf('1', StringComparison.Ordinal)).ShouldBe(0);
        scanner.FindSlot(Sql.IndexOf('2', StringComparison.Ordinal)).ShouldBe(1);
        scanner.FindSlot(Sql.IndexOf('3', StringComparison.Ordinal)).ShouldBe(1);
        scanner.FindSlot(Sql.IndexOf('-', StringComparison.Ordinal)).ShouldBe(2);
        scanner.FindSlot(Sql.Length).ShouldBe(-1);
        scanner.GetSlot(1).ShouldBe(new LiteralSlot(1, 2));
    }

    private static ShapeScanner Scan(string sql)
    {
        var scanner = new ShapeScanner();
        scanner.Scan(Encoding.UTF8.GetBytes(sql));
        return scanner;
    }

    private static string ShapeOf(string sql)
    {
        var scanner = Scan(sql);
        scanner.IsComplete.ShouldBeTrue();
        return Encoding.Latin1.GetString(scanner.Shape);
    }
}
