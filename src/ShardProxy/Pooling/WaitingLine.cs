namespace ShardProxy.Pooling;

/// <summary>
/// Who waits for a pool's connections, used under its lock. Sessions that hold connections of other shards go first, the
/// one that holds the most before all, since others may be waiting for what they hold; then newcomers, first come first
/// served on each loop.
/// </summary>
internal sealed class WaitingLine(int loops)
{
    // A newcomer of another loop goes first once it has waited this much longer than the own loop's, in milliseconds.
    private const long ForeignPatience = 5;

    private readonly LeaseQueue[] _newcomers = new LeaseQueue[loops];
    private LeaseQueue _holders;
    private int _count;

    /// <summary>Any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    public LeaseRequest? First => FirstHolder() ?? FirstNewcomer();

    /// <summary>How many connections of other shards the first one holds; 0 when nobody waits.</summary>
    public int MostHeld => FirstHolder()?.Held ?? 0;

    public void Add(LeaseRequest request)
    {
        request.Since = Environment.TickCount64;
        QueueOf(request).Enqueue(request);
        _count++;
    }

    public void Remove(LeaseRequest request)
    {
        QueueOf(request).Remove(request);
        _count--;
    }

    /// <summary>Takes out who is next for a connection of the given loop.</summary>
    /// <param name="free">How many more may be lent to newcomers; below 0 when more are lent already.</param>
    public LeaseRequest? TakeNext(int loop, int free)
    {
        if (_count == 0)
            return null;
        var next = FirstHolder() ?? NextNewcomer(loop);
        if (next is null || free + next.Held <= 0)
            return null;
        Remove(next);
        return next;
    }

    private ref LeaseQueue QueueOf(LeaseRequest request) =>
        ref request.Held > 0 ? ref _holders : ref _newcomers[request.Signal.Loop.Index];

    private LeaseRequest? FirstHolder()
    {
        var first = _holders.First;
        for (var request = first?.Next; request is not null; request = request.Next)
        {
            if (request.Held > first!.Held)
                first = request;
        }
        return first;
    }

    private LeaseRequest? FirstNewcomer()
    {
        LeaseRequest? first = null;
        foreach (ref var queue in _newcomers.AsSpan())
        {
            if (queue.First is { } head && (first is null || head.Since < first.Since))
                first = head;
        }
        return first;
    }

    // Own loop's first, unless another loop's has waited clearly longer: moving a connection costs two system calls.
    private LeaseRequest? NextNewcomer(int loop)
    {
        var next = _newcomers[loop].First;
        var oldest = FirstNewcomer();
        return next is null || next.Since - oldest!.Since > ForeignPatience ? oldest : next;
    }
}
