using ShardProxy.Protocol.Messages;

namespace ShardProxy.Protocol.Conversation;

/// <summary>
/// The replies that one server connection still owes, in order, and what becomes of each. The sender writes down with
/// <see cref="Expect"/> what it sends, in the order of sending; the receiver asks <see cref="OnMessage"/> for each
/// message that arrives. It is the only record of where a conversation stands. No allocation once it has grown.
/// </summary>
/// <remarks>
/// <code>
///                 Expect(any): written down          Expect(Sync): written down
///                 ┌───────┐                          ┌─────────────────────────┐
///                 ▼       │   'E' answers an         │                         ▼
///   start ────► Following ┴──────────────────────► Skipping ─────────────► Following
///                           extended message and      ▲   │
///                           no Sync is written down   └───┘ Expect(other): dropped, as the server drops it
/// </code>
/// Invariants:
/// 1. The head is what the server works on. A message that ends the head's reply removes it; no other removal happens
///    from outside except <see cref="TryTakeMadeUp"/> and <see cref="Clear"/>.
/// 2. After an error in the extended protocol the server ignores what comes before the next Sync, simple queries too;
///    so those entries are dropped when the error arrives, the made-up ones among them, and are not taken while skipping.
/// 3. An error is swallowed only when its whole batch up to and including the Sync is: where a statement that the proxy
///    prepared on its own account fails, the error belongs to the client that needed it.
/// 4. While a server takes the data of a COPY it ignores Sync. So Syncs sent between an Execute that turned out to be a
///    COPY and the end of its data (<see cref="OnCopyInputSent"/>) are owed no reply and go when the COPY ends.
/// </remarks>
public sealed class ReplyLedger
{
    private const int InitialCapacity = 16;

    // Not a reply: marks where in what was sent the data of a COPY ended.
    private const ReplyKind CopyInputEnd = (ReplyKind)byte.MaxValue;

    private Entry[] _entries = new Entry[InitialCapacity];
    private int _head;
    private int _count;
    private bool _copyIn;

    private readonly record struct Entry(ReplyKind Kind, Disposition Disposition);

    /// <summary>Replies owed, those to be made up included.</summary>
    public int Count { get; private set; }

    public bool IsEmpty => Count == 0;

    /// <summary>An error came and the Sync that ends its batch was not sent yet.</summary>
    public bool IsSkipping { get; private set; }

    /// <summary>The head of the ledger; false when nothing is owed.</summary>
    public bool TryPeek(out ReplyKind kind, out Disposition disposition)
    {
        DropMarksAtHead();
        (kind, disposition) = _count == 0 ? default : At(0);
        return _count > 0;
    }

    public void Expect(ReplyKind kind, Disposition disposition)
    {
        if (disposition == Disposition.Violation)
            throw new ArgumentOutOfRangeException(nameof(disposition));
        if (IsSkipping)
        {
            if (kind != ReplyKind.Sync)
                return;
            IsSkipping = false;
        }
        Append(new Entry(kind, disposition));
        Count++;
    }

    /// <summary>Call when a CopyDone or a CopyFail was sent to the server, in order with <see cref="Expect"/>.</summary>
    public void OnCopyInputSent()
    {
        if (_count > 0 && !IsSkipping)
            Append(new Entry(CopyInputEnd, default));
    }

    /// <summary>
    /// What becomes of the message that arrived, after crossing out what it answers. Take the made-up replies first:
    /// with one at the head this throws, because the message would overtake it.
    /// </summary>
    public Disposition OnMessage(byte type)
    {
        DropMarksAtHead();
        if (type is BackendMessageType.ParameterStatus or BackendMessageType.NotificationResponse)
            return Disposition.Forward;
        if (_count == 0)
            return OnUnasked(type);
        var head = At(0);
        if (type == BackendMessageType.NoticeResponse)
            return head.Disposition == Disposition.Swallow ? Disposition.Swallow : Disposition.Forward;
        if (head.Disposition == Disposition.MakeUp)
            throw new InvalidOperationException("A made-up reply is due before the server's.");
        if (type == BackendMessageType.ErrorResponse)
            return OnError(head);
        switch (ReplyRules.Follow(head.Kind, type))
        {
            case ReplyStep.Goes:
                if (type == BackendMessageType.CopyInResponse)
                    _copyIn = true;
                else if (_copyIn && type == BackendMessageType.CommandComplete)
                    DropSyncsOfCopy();
                return head.Disposition;
            case ReplyStep.Ends:
                if (_copyIn)
                    DropSyncsOfCopy();
                Pop();
                return head.Disposition;
            default:
                return Disposition.Violation;
        }
    }

    /// <summary>When the head is to be made up: crosses it out and says what to write. Call until false, after every Expect and OnMessage.</summary>
    public bool TryTakeMadeUp(out ReplyKind kind)
    {
        if (!TryPeek(out kind, out var disposition) || disposition != Disposition.MakeUp)
            return false;
        Pop();
        return true;
    }

    public void Clear()
    {
        _head = _count = Count = 0;
        IsSkipping = _copyIn = false;
    }

    private Disposition OnUnasked(byte type)
    {
        // A COPY that failed before it took any data did not ignore the Sync behind it, which was crossed out already.
        if (IsSkipping && type == BackendMessageType.ReadyForQuery)
        {
            IsSkipping = false;
            return Disposition.Forward;
        }
        // An error that nothing was asked for is the server's farewell.
        return type is BackendMessageType.NoticeResponse or BackendMessageType.ErrorResponse ? Disposition.Forward : Disposition.Violation;
    }

    private Disposition OnError(Entry head)
    {
        if (_copyIn)
            DropSyncsOfCopy();
        if (head.Kind is ReplyKind.Query or ReplyKind.FunctionCall)
            return head.Disposition;
        var swallow = true;
        while (_count > 0)
        {
            var entry = At(0);
            swallow &= entry.Disposition == Disposition.Swallow || entry.Kind == CopyInputEnd;
            if (entry.Kind == ReplyKind.Sync)
                return swallow ? Disposition.Swallow : Disposition.Forward;
            Pop();
        }
        IsSkipping = true;
        return swallow ? Disposition.Swallow : Disposition.Forward;
    }

    // Removes the Syncs behind the head up to the mark, and the mark. Without a mark the data are still being sent
    // although the COPY is over (it failed), and every Sync so far was ignored.
    private void DropSyncsOfCopy()
    {
        _copyIn = false;
        var kept = 1;
        var passedMark = false;
        for (var i = 1; i < _count; i++)
        {
            var entry = At(i);
            if (!passedMark && entry.Kind is ReplyKind.Sync or CopyInputEnd)
            {
                passedMark = entry.Kind == CopyInputEnd;
                if (!passedMark)
                    Count--;
                continue;
            }
            At(kept++) = entry;
        }
        _count = kept;
    }

    private void DropMarksAtHead()
    {
        while (_count > 0 && At(0).Kind == CopyInputEnd)
            Pop();
    }

    private ref Entry At(int index) => ref _entries[(_head + index) & (_entries.Length - 1)];

    private void Pop()
    {
        if (At(0).Kind != CopyInputEnd)
            Count--;
        _head = (_head + 1) & (_entries.Length - 1);
        _count--;
    }

    private void Append(Entry entry)
    {
        if (_count == _entries.Length)
            Grow();
        _count++;
        At(_count - 1) = entry;
    }

    private void Grow()
    {
        // The capacity stays a power of two, so that a mask wraps the index.
        var larger = new Entry[_entries.Length * 2];
        for (var i = 0; i < _count; i++)
            larger[i] = At(i);
        _entries = larger;
        _head = 0;
    }
}
