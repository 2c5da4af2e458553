using ShardProxy.IntegrationTests.Fixtures;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer("ShardProxy.IntegrationTests.Fixtures." + nameof(SharedFirst), "ShardProxy.IntegrationTests")]

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>
/// Collections of many classes run first: their classes follow one another, and a run whose last collection is one of them ends on
/// one processor. The others go by name, so that every run has one order.
/// </summary>
public sealed class SharedFirst : ITestCollectionOrderer
{
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(static collection => collection.CollectionDefinition is null)
            .ThenByDescending(static collection => collection.DisplayName == LabCollection.Name)
            .ThenBy(static collection => collection.DisplayName, StringComparer.Ordinal);
}
