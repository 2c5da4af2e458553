namespace ShardProxy.IntegrationTests.Uniqueness;

/// <summary>Classes that share one <see cref="UniqueCluster"/>, and so run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class UniqueCollection : ICollectionFixture<UniqueCluster>
{
    public const string Name = "unique over all shards";
}
