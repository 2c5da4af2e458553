namespace ShardProxy.Protocol.Messages;

/// <summary>Where a session stands between statements; the values are the bytes in ReadyForQuery.</summary>
public enum TransactionStatus : byte
{
    Idle = (byte)'I',
    InTransaction = (byte)'T',

    /// <summary>Only ROLLBACK (or ROLLBACK TO) goes on from here.</summary>
    Failed = (byte)'E',
}
