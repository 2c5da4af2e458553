using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;

namespace ShardProxy.Tests.Sessions;

public sealed class SessionTransactionTests
{
    private readonly SessionTransaction _transaction = new();

    [Fact]
    public void Rolling_back_to_a_savepoint_takes_the_settings_made_since_back()
    {
        _transaction.Begin("BEGIN"u8, SettingsState.Empty);
        _transaction.Append([1], With("a"));
        _transaction.Savepoint("s", [2], With("a"));
        _transaction.Append([3], With("b"));
        _transaction.Fail();
        _transaction.RollbackTo("s").Find("x").ShouldBe("a");
        _transaction.Status.ShouldBe(TransactionStatus.InTransaction);
        Texts().ShouldBe([1, 2]);
    }

    [Fact]
    public void Releasing_a_savepoint_keeps_the_settings_and_drops_those_within()
    {
        _transaction.Begin("BEGIN"u8, SettingsState.Empty);
        _transaction.Savepoint("outer", [1], SettingsState.Empty);
        _transaction.Append([2], With("a"));
        _transaction.Savepoint("inner", [3], With("a"));
        _transaction.Append([4], With("b"));
        _transaction.Release("outer");
        Texts().ShouldBe([2, 4]);
        _transaction.HasSavepoint("inner").ShouldBeFalse();
    }

    [Fact]
    public void Of_savepoints_with_one_name_the_newest_counts()
    {
        _transaction.Begin("BEGIN"u8, SettingsState.Empty);
        _transaction.Savepoint("s", [1], With("a"));
        _transaction.Savepoint("s", [2], With("b"));
        _transaction.RollbackTo("s").Find("x").ShouldBe("b");
        _transaction.Release("s");
        _transaction.RollbackTo("s").Find("x").ShouldBe("a");
    }

    [Fact]
    public void The_end_leaves_nothing_behind()
    {
        _transaction.Begin("BEGIN ISOLATION LEVEL SERIALIZABLE"u8, With("a"));
        _transaction.AddWriter(3);
        _transaction.AddWriter(1);
        _transaction.Append([1], With("b"));
        _transaction.End();
        _transaction.BeginImplicit(SettingsState.Empty);
        _transaction.BeginText.ShouldBe("BEGIN"u8.ToArray());
        _transaction.WriterCount.ShouldBe(0);
        _transaction.HasWritten(1).ShouldBeFalse();
        _transaction.Log.ShouldBeEmpty();
        _transaction.IsImplicit.ShouldBeTrue();
        _transaction.SettingsAtBegin.ShouldBe(SettingsState.Empty);
    }

    [Theory]
    [InlineData('I', TransactionStatus.Idle)]
    [InlineData('T', TransactionStatus.InTransaction)]
    [InlineData('E', TransactionStatus.Failed)]
    public void The_servers_word_is_taken(char status, TransactionStatus expected)
    {
        _transaction.Adopt((byte)status, SettingsState.Empty);
        _transaction.Status.ShouldBe(expected);
    }

    private byte[] Texts() => [.. _transaction.Log.Select(static entry => entry.Text[0])];

    private static SettingsState With(string value) => new(SettingsSet.Empty.With("x", value), SettingsSet.Empty);
}
