using System.Text;
using ShardProxy.Sessions;

namespace ShardProxy.Tests.Sessions;

public sealed class SessionPreparedTests
{
    private readonly SessionPrepared _prepared = new();

    [Theory]
    [InlineData(10)]
    [InlineData(100_000)]
    public void A_statement_noted_by_the_fast_path_can_be_bound_again(int length)
    {
        _prepared.NoteUnnamed("SELECT old"u8, [20u, 25u]);
        _prepared.NoteUnnamed(Encoding.ASCII.GetBytes(new string('x', length)), [23u]);
        _prepared.TryGetStatement([], out var statement).ShouldBeTrue();
        statement.IsUnnamed.ShouldBeTrue();
        statement.Text.Sql.Length.ShouldBe(length);
        statement.Text.ParameterTypes.ShouldBe([23u]);
        _prepared.TryGetStatement([], out var same).ShouldBeTrue();
        same.ShouldBeSameAs(statement);
    }

    [Fact]
    public void A_simple_query_destroys_it()
    {
        _prepared.NoteUnnamed("SELECT 1"u8, []);
        _prepared.ForgetUnnamed();
        _prepared.TryGetStatement([], out _).ShouldBeFalse();
    }
}
