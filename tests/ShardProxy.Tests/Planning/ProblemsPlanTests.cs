using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Planning;

namespace ShardProxy.Tests.Planning;

/// <summary>Tables that the catalog tells a problem of: no statement reads or writes them, and DDL that may mend them runs.</summary>
public sealed class ProblemsPlanTests
{
    private static readonly PlanningContext Context = Shop.Context with
    {
        Catalog = Shop.Catalog.WithProblems(
        [
            new TableProblem(new QualifiedName("public", "orders"), "table public.orders is odd", "Mend it."),
            new TableProblem(new QualifiedName("public", "products"), "table public.products is odd", null),
            new TableProblem(new QualifiedName("public", "logs"), "table public.logs is odd", null),
            new TableProblem(new QualifiedName("public", "events"), "table public.events is odd", null),
        ]),
    };

    [Theory]
    [InlineData("select * from orders where user_id = 5", "orders")]
    [InlineData("select 1 where exists (select from public.orders)", "orders")]
    [InlineData("select * from user_orders where user_id = 5", "orders")]
    [InlineData("with x as (select * from products) select * from x", "products")]
    [InlineData("select * from logs", "logs")]
    [InlineData("select * from events_2024 where user_id = 5", "events")]
    [InlineData("insert into orders (user_id) values (5)", "orders")]
    [InlineData("insert into logs (id) values (5)", "logs")]
    [InlineData("update orders set status = 'x' where user_id = 5", "orders")]
    [InlineData("delete from orders where user_id = 5", "orders")]
    [InlineData("copy orders from stdin", "orders")]
    [InlineData("copy logs to stdout", "logs")]
    [InlineData("copy (select * from orders where user_id = 5) to stdout", "orders")]
    public void ReadsAndWritesAreRefused(string sql, string table) =>
        Shop.Plan(sql, Context).Statements.ShouldHaveSingleItem().Plan.ShouldBeOfType<RefusedPlan>().Reason.ShouldBe($"table public.{table} is odd");

    [Theory]
    [InlineData("alter table orders add column x int")]
    [InlineData("drop table orders")]
    [InlineData("truncate orders")]
    [InlineData("select * from users where id = 5")]
    public void WhatMayMendThemAndOtherTablesWork(string sql) =>
        Shop.Plan(sql, Context).Statements.ShouldHaveSingleItem().Plan.ShouldNotBeOfType<RefusedPlan>();
}
