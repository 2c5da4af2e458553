namespace ShardProxy.Protocol.Messages;

/// <summary>What a Describe or a Close names; the values are the bytes on the wire.</summary>
public enum PreparedKind : byte
{
    Statement = (byte)'S',
    Portal = (byte)'P',
}
