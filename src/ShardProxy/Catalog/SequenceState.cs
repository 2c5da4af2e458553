namespace ShardProxy.Catalog;

/// <summary>A sequence as one server has it.</summary>
/// <param name="Name">Qualified and quoted for SQL.</param>
/// <param name="LastValue">Null when it was never called.</param>
public sealed record SequenceState(
    string Name, string Type, long Start, long Increment, long Minimum, long Maximum, bool Cycles, long? LastValue);
