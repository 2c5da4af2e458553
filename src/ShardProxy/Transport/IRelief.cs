namespace ShardProxy.Transport;

/// <summary>Which of a loop's sessions go to other loops. Used on the loop's thread only.</summary>
internal interface IRelief
{
    /// <summary>As <see cref="EventLoop.Relieve"/>.</summary>
    EventLoop? Next(ref int window);

    /// <summary>Called in every turn of the loop.</summary>
    /// <param name="now">Of <see cref="Environment.TickCount64"/>.</param>
    void OnTurn(long now);
}
