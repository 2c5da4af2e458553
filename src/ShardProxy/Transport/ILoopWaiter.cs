namespace ShardProxy.Transport;

/// <summary>What a <see cref="LoopSignal"/> runs instead of an async method's continuation: one virtual call per wake-up.</summary>
public interface ILoopWaiter
{
    /// <summary>Called on the loop's thread, never inside of <see cref="LoopSignal.Set"/>. Must not throw.</summary>
    void OnWoken();
}
