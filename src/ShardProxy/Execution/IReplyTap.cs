namespace ShardProxy.Execution;

/// <summary>Looks at each whole message of a reply on a slow path: to capture a value, to count rows, to drop a header.</summary>
public interface IReplyTap
{
    /// <param name="forward">What the ledger says.</param>
    /// <returns>Whether the message goes to the client as it stands. The tap may write others itself.</returns>
    bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward);
}
