using ShardProxy.Pooling;

namespace ShardProxy.Sessions.Login;

/// <summary>A client that has proved who it is.</summary>
/// <param name="Name">What it logged in as.</param>
/// <param name="ServerCredentials">Who it is on the shards.</param>
public sealed record AuthenticatedUser(string Name, ServerCredentials ServerCredentials);
