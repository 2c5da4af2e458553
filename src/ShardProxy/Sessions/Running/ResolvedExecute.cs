using ShardProxy.Planning;

namespace ShardProxy.Sessions.Running;

/// <summary>An SQL EXECUTE with its arguments bound.</summary>
/// <param name="Statement">What it executes.</param>
/// <param name="Inner">The plan of that; an EXPLAIN of it has its traits too, as if it always had ANALYZE.</param>
/// <param name="Sql">The EXECUTE under the statement's name on servers.</param>
public sealed record ResolvedExecute(ClientStatement Statement, PlannedStatement Inner, int Shard, byte[] Sql);
