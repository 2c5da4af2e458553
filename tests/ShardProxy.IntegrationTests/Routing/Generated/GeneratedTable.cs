namespace ShardProxy.IntegrationTests.Routing.Generated;

internal sealed record GeneratedColumn(string Name, SampleType Type);

/// <summary>A table or view.</summary>
/// <param name="Unique">Columns in which no two rows are equal; empty when there may be such rows.</param>
/// <param name="Group">Tables of one number are colocated by their first column; negative for all that is not sharded.</param>
/// <param name="MaxRows">How many rows it can have.</param>
internal sealed record GeneratedTable(string Name, IReadOnlyList<GeneratedColumn> Columns, IReadOnlyList<string> Unique, int Group, int MaxRows);
