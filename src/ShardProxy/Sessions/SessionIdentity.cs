using ShardProxy.Pooling;

namespace ShardProxy.Sessions;

/// <summary>Who the client is and how it speaks, settled at login.</summary>
/// <param name="User">The name that it logged in with.</param>
/// <param name="Credentials">Who it is on the shards.</param>
public sealed record SessionIdentity(string User, ServerCredentials Credentials);
