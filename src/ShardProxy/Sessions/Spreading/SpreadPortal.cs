namespace ShardProxy.Sessions.Spreading;

/// <summary>A portal over several shards that has stopped at a row limit, and goes on with the next Execute.</summary>
public sealed record SpreadPortal(ISpreadRun Run, IRowPump Pump);
