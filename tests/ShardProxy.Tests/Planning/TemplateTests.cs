using System.Text;
using ShardProxy.Directory;
using ShardProxy.Planning;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Planning;

/// <summary>What makes a template hold for other texts of its shape, and what does not.</summary>
public sealed class TemplateTests
{
    [Theory]
    [InlineData("select * from users where id = 5 limit 3", 0)]
    [InlineData("select * from users where 1 = 0 and id = 5", 2)]
    [InlineData("select * from (select user_id, count(*) from orders group by 1) s where user_id = 5", 1)]
    [InlineData("select set_config('a.b', 'x', false)", 2)]
    [InlineData("select create_distributed_table('orders', 'user_id')", 2)]
    [InlineData("set statement_timeout = 5", 1)]
    [InlineData("copy users from stdin delimiter ';'", 1)]
    [InlineData("do 'begin end'", 1)]
    public void LiteralsThatShapedThePlanAreSensitive(string sql, int count) => Shop.Plan(sql).SensitiveSlots.Length.ShouldBe(count);

    [Theory]
    [InlineData("select * from users where id = 5", true)]
    [InlineData("prepare p as select 1", false)]
    [InlineData("create role r password 'x'", false)]
    [InlineData("alter role r password null", false)]
    [InlineData("create role r", true)]
    public void SomePlansHoldForTheirTextOnly(string sql, bool cacheable) => Shop.Plan(sql).Cacheable.ShouldBe(cacheable);

    [Fact]
    public void AFoldedListIsOneTerm()
    {
        var plan = Shop.Plan("select * from users where id in (1, 2, 3)").Statements[0].Plan.ShouldBeOfType<OneShardPlan>();
        var set = plan.Choice.ShouldBeOfType<KeyedShard>().Relations.ShouldHaveSingleItem().ShouldBeOfType<KeyEquals>();
        set.Term.ShouldBe(new LiteralTerm(0, Negated: false, CastTo: 0));
    }

    [Fact]
    public void APreparedBodyIsFoundBehindItsTypes()
    {
        var plan = Shop.Plan("prepare \"as\" (int8, numeric(3, 1)) -- as\n as select * from users where id = $1;").Statements[0].Plan.ShouldBeOfType<PreparePlan>();
        plan.Body.ShouldBe(" select * from users where id = $1");
        plan.ParameterTypes.ShouldBe([20u, 1700u]);
    }

    [Fact]
    public void SearchPathDecidesWhatANameMeans()
    {
        PlanPrinter.PrintPlan("select * from \"Orders\" where \"Key\" = 5", Shop.Context with { SearchPath = ["sales", "public"] }).ShouldBe("5");
        PlanPrinter.PrintPlan("select * from \"Orders\" where \"Key\" = 5").ShouldBe("home");
        PlanPrinter.PrintPlan("select * from users where id = 5", Shop.Context with { SearchPath = ["sales"] }).ShouldBe("home");
        PlanPrinter.PrintPlan("create table announced (id int8)", Shop.Context with { SearchPath = ["sales", "public"] }).ShouldBe("home");
    }

    [Fact]
    public void ATemporaryTableHidesAShardedOne()
    {
        var context = Shop.Context with { TemporaryRelations = new HashSet<string> { "users" } };
        PlanPrinter.PrintPlan("select * from users", context).ShouldBe("home");
        PlanPrinter.PrintPlan("select * from public.users where id = 5", context).ShouldBe("5");
    }

    [Fact]
    public void OperatorsAreTrustedOnlyWherePostgresOwnComeFirst()
    {
        var context = Shop.Context with { SearchPath = ["public", "pg_catalog"] };
        PlanPrinter.PrintPlan("select * from users where id = 5", context).ShouldBe("spread");
        PlanPrinter.PrintPlan("select * from users where id operator(pg_catalog.=) 5", context).ShouldBe("5");
    }

    [Fact]
    public void WithoutDeclaredTablesEverythingRuns()
    {
        var context = Shop.Context with { Directory = new DirectorySnapshot(1, "plain", [], DirectorySnapshot.SpreadEvenly(16, 1)) };
        foreach (var sql in new[] { "select * from users", "insert into users default values", "create table x as execute p", "create schema s create table t (a int)", "delete from orders", "do $$begin delete from users; end$$" })
            PlanPrinter.PrintPlan(sql, context).ShouldBe("home", sql);
    }

    [Fact]
    public void ABackslashIsRefusedWhileItEscapesInPlainStrings()
    {
        var sql = Encoding.UTF8.GetBytes(@"select * from tenants where name = 'a\'' or true --'");
        var scanner = new ShapeScanner();
        scanner.Scan(sql, standardConformingStrings: false);
        StatementPlanner.Plan(sql, scanner, Shop.Context).Statements[0].Plan.ShouldBeOfType<RefusedPlan>();
    }

    [Fact]
    public void ADeepNestIsRefusedAndNotFatal()
    {
        var sql = "select * from users where id = 5 and " + string.Concat(Enumerable.Repeat("not (", 3_000)) + "true" + new string(')', 3_000);
        Shop.Plan(sql).Statements[0].Plan.ShouldBeAssignableTo<Plan>();
    }

    [Fact]
    public void CommonTablesThatMultiplyAreRefused()
    {
        var sql = new StringBuilder("with c0 as (select * from users where id = 5)");
        for (var level = 1; level < 20; level++)
            sql.Append(System.Globalization.CultureInfo.InvariantCulture, $", c{level} as (select a.* from c{level - 1} a, c{level - 1} b)");
        sql.Append(" select * from c19");
        Shop.Plan(sql.ToString()).Statements[0].Plan.ShouldBeOfType<RefusedPlan>().SqlState.ShouldBe("54001");
    }
}
