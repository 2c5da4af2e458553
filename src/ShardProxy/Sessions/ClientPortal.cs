using ShardProxy.Planning;
using ShardProxy.Pooling;

namespace ShardProxy.Sessions;

/// <summary>A bound statement. It stands on one server connection, or nowhere when the proxy runs it itself.</summary>
/// <param name="Server">Null when the proxy answers or spreads the statement.</param>
public sealed record ClientPortal(ClientStatement Statement, PlannedStatement Planned, ServerConnection? Server)
{
    /// <summary>The body of Bind; kept only for plans that run on several shards, and for EXPLAIN (SHARDS).</summary>
    public ReadOnlyMemory<byte> Bind { get; init; }

    /// <summary>Types of the parameters by the home shard's ids, as far as they are known; with <see cref="Bind"/>.</summary>
    public uint[] ParameterTypes { get; init; } = [];

    /// <summary>As <see cref="ParameterTypes"/>, where a binary value may hold object ids; else empty.</summary>
    public uint[] NestedParameterTypes { get; init; } = [];

    /// <summary>Format codes that Bind asked for; kept only for plans whose rows the proxy makes.</summary>
    public IReadOnlyList<short> ResultFormats { get; init; } = [];

    /// <summary>Types of the columns whose binary values hold object ids, on the server's shard; null when there are none.</summary>
    public uint[]? RowTypes { get; init; }

    /// <summary>Savepoints of the block when it was bound (<see cref="SessionTransaction.SavepointsMade"/>).</summary>
    public int Savepoint { get; init; }

    /// <summary>RowDescription of the statement as the client wrote it, where another one runs in its place; null where it runs as it stands.</summary>
    public byte[]? Description { get; init; }

    /// <summary>Rows that the Execute at hand wants at most; 0 is no limit.</summary>
    public int MaxRows { get; set; }

    /// <summary>What is left of it after an Execute that stopped at its limit.</summary>
    public Spreading.SpreadPortal? Suspended { get; set; }

    /// <summary>A plan that the proxy runs itself has been run, so a second Execute finds nothing more.</summary>
    public bool HasRun { get; set; }
}
