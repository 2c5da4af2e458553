namespace ShardProxy.Directory;

/// <summary>What a proxy of the fleet says of itself each time that it renews its lease.</summary>
/// <param name="Id">A uuid, new with each start of a proxy.</param>
/// <param name="Name">For people: machine, process and address.</param>
/// <param name="Version">The directory's version by which every statement of the proxy is routed.</param>
/// <param name="Expires">When the lease ends unless it is renewed, by the store's clock.</param>
public sealed record ProxyReport(string Id, string Name, long Version, DateTimeOffset Started, DateTimeOffset Expires)
{
    /// <summary>The number of the last move whose key no transaction of the proxy still has where it was.</summary>
    public long Drained { get; init; }

    /// <summary>The epoch of the store to which the proxy has told all places of keys that it remembers.</summary>
    public string? Epoch { get; init; }

    /// <summary>Names of the last schema changes of others after which this proxy has read the catalogs, separated by blanks.</summary>
    public string? Schemas { get; init; }
}

/// <summary>Where a store stands, without its content.</summary>
/// <param name="Version">0 when the store does not know the database.</param>
/// <param name="Revision">A name that no other change has, so that two stores' versions of one number can be told apart.</param>
public readonly record struct StoreVersion(long Version, string Revision);
