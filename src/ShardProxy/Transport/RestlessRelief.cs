namespace ShardProxy.Transport;

/// <summary>Every session goes to the next loop each time it asks: what a test needs to find out whether moving is sound.</summary>
internal sealed class RestlessRelief(ThreadLoop[] loops, int index) : IRelief
{
    public EventLoop? Next(ref int window) => loops.Length > 1 ? loops[(index + 1) % loops.Length] : null;

    public void OnTurn(long now)
    {
    }
}
