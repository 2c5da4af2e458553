using ShardProxy.Protocol.Conversation;
using static ShardProxy.Protocol.Conversation.Disposition;
using static ShardProxy.Protocol.Conversation.ReplyKind;

namespace ShardProxy.Protocol.Tests.Conversation;

public sealed class ReplyLedgerTests
{
    private readonly ReplyLedger _ledger = new();

    [Fact]
    public void An_extended_batch_is_crossed_out_message_by_message()
    {
        Expect((Parse, Swallow), (Bind, Forward), (DescribePortal, Forward), (Execute, Forward), (Sync, Forward));
        Feed("1").ShouldBe("s");
        Feed("2TDDC").ShouldBe("fffff");
        _ledger.Count.ShouldBe(1);
        Feed("Z").ShouldBe("f");
        _ledger.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void A_described_statement_ends_with_its_columns_not_with_its_parameters()
    {
        Expect((DescribeStatement, Swallow), (DescribeStatement, Forward), (Sync, Forward));
        Feed("tTtnZ").ShouldBe("ssfff");
        _ledger.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void A_simple_query_owns_everything_up_to_ready()
    {
        Expect((Query, Swallow), (Query, Forward));
        Feed("TDCIEZTDCZ").ShouldBe("ssssssffff");
        _ledger.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void Asynchronous_messages_cross_out_nothing()
    {
        Expect((Parse, Swallow), (Sync, Forward));
        Feed("SAN").ShouldBe("ffs");
        _ledger.Count.ShouldBe(2);
    }

    [Fact]
    public void Made_up_replies_come_out_in_their_turn()
    {
        Expect((Parse, MakeUp), (Bind, Forward), (Close, MakeUp), (Sync, Forward));
        _ledger.TryTakeMadeUp(out var kind).ShouldBeTrue();
        kind.ShouldBe(Parse);
        _ledger.TryTakeMadeUp(out _).ShouldBeFalse();
        Feed("2").ShouldBe("f");
        Should.Throw<InvalidOperationException>(() => Feed("Z"));
        _ledger.TryTakeMadeUp(out kind).ShouldBeTrue();
        kind.ShouldBe(Close);
        Feed("Z").ShouldBe("f");
    }

    [Fact]
    public void An_error_drops_the_batch_with_its_queries_and_made_up_replies()
    {
        Expect((Bind, Forward), (Parse, MakeUp), (Query, Forward), (Sync, Forward), (Query, Forward));
        Feed("EZ").ShouldBe("ff");
        Feed("CZ").ShouldBe("ff");
        _ledger.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void After_an_error_without_a_sync_everything_is_dropped_until_one_is_sent()
    {
        Expect((Parse, Forward));
        Feed("E").ShouldBe("f");
        _ledger.IsSkipping.ShouldBeTrue();
        Expect((Bind, Forward), (Query, Forward), (Close, MakeUp));
        _ledger.IsEmpty.ShouldBeTrue();
        Expect((Sync, Forward), (Parse, Forward));
        Feed("Z1").ShouldBe("ff");
    }

    [Fact]
    public void An_error_at_sync_leaves_the_ready_message_owed()
    {
        Expect((Execute, Forward), (Sync, Forward));
        Feed("CEZ").ShouldBe("fff");
        _ledger.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void An_error_of_a_statement_prepared_for_a_client_belongs_to_the_client()
    {
        Expect((Parse, Swallow), (Bind, Forward), (Sync, Forward));
        Feed("E").ShouldBe("f");
    }

    [Fact]
    public void An_error_of_a_batch_of_the_proxys_own_is_swallowed()
    {
        Expect((Parse, Swallow), (Sync, Swallow), (Query, Forward));
        Feed("EZCZ").ShouldBe("ssff");
    }

    [Fact]
    public void A_sync_sent_before_the_data_of_a_copy_is_owed_no_reply()
    {
        Expect((Execute, Forward), (Sync, Forward));
        Feed("G").ShouldBe("f");
        _ledger.OnCopyInputSent();
        Expect((Sync, Forward));
        Feed("CZ").ShouldBe("ff");
        _ledger.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void A_copy_that_fails_while_its_data_are_sent_waits_for_the_next_sync()
    {
        Expect((Execute, Forward), (Sync, Forward));
        Feed("GE").ShouldBe("ff");
        _ledger.IsSkipping.ShouldBeTrue();
        _ledger.OnCopyInputSent();
        Expect((Sync, Forward));
        Feed("Z").ShouldBe("f");
        _ledger.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void Copy_data_for_what_was_no_copy_change_nothing()
    {
        Expect((Execute, Forward));
        _ledger.OnCopyInputSent();
        Expect((Sync, Forward));
        Feed("CZ").ShouldBe("ff");
        _ledger.IsEmpty.ShouldBeTrue();
    }

    [Fact]
    public void What_nobody_asked_for_is_a_violation()
    {
        Feed("1").ShouldBe("v");
        Expect((Bind, Forward));
        Feed("1").ShouldBe("v");
        Feed("D").ShouldBe("v");
    }

    [Fact]
    public void A_grown_ledger_allocates_nothing()
    {
        Pipeline();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Pipeline();
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);

        void Pipeline()
        {
            for (var i = 0; i < 500; i++)
            {
                _ledger.Expect(Bind, Forward);
                _ledger.Expect(Execute, Forward);
                _ledger.Expect(Sync, Forward);
            }
            for (var i = 0; i < 500; i++)
            {
                _ledger.OnMessage((byte)'2');
                _ledger.OnMessage((byte)'C');
                _ledger.OnMessage((byte)'Z');
            }
        }
    }

    private void Expect(params (ReplyKind Kind, Disposition Disposition)[] entries)
    {
        foreach (var (kind, disposition) in entries)
            _ledger.Expect(kind, disposition);
    }

    private string Feed(string types) =>
        string.Concat(types.Select(type => char.ToLowerInvariant(_ledger.OnMessage((byte)type).ToString()[0])));
}
