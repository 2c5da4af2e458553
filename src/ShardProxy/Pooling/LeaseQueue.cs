namespace ShardProxy.Pooling;

/// <summary>First come, first served; leaving from the middle is O(1). Used under the pool's lock.</summary>
internal struct LeaseQueue
{
    private LeaseRequest? _first;
    private LeaseRequest? _last;

    public readonly LeaseRequest? First => _first;

    public int Count { get; private set; }

    public void Enqueue(LeaseRequest request)
    {
        request.Previous = _last;
        request.Next = null;
        if (_last is null)
            _first = request;
        else
            _last.Next = request;
        _last = request;
        request.IsQueued = true;
        Count++;
    }

    public void Remove(LeaseRequest request)
    {
        if (request.Previous is null)
            _first = request.Next;
        else
            request.Previous.Next = request.Next;
        if (request.Next is null)
            _last = request.Previous;
        else
            request.Next.Previous = request.Previous;
        request.Next = request.Previous = null;
        request.IsQueued = false;
        Count--;
    }
}
