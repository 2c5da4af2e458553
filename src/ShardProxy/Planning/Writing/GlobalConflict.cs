using System.Collections.Immutable;
using ShardProxy.Directory;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// INSERT … ON CONFLICT in which global indexes have a say: before its rows are stored, their unique values are looked for in the
/// indexes' entries, and a row with a value that is there goes to the shard of the row that has it, which does what ON CONFLICT says.
/// </summary>
/// <param name="Indexes">The one that ON CONFLICT goes by; all of the table's when it names none.</param>
public sealed record GlobalConflict(QualifiedName Table, KeyType KeyType, ImmutableArray<ConflictIndex> Indexes)
{
    /// <summary>DO UPDATE.</summary>
    public bool Updates { get; init; }

    /// <summary>DO UPDATE sets columns to which other rows may refer, so that the row is locked as for a delete.</summary>
    public bool SetsKeys { get; init; }

    /// <summary>No columns are named: any unique index of the table may be what a row conflicts with.</summary>
    public bool IsAny { get; init; }
}

/// <param name="Id">The global index's.</param>
/// <param name="Rows">For each row of VALUES the values of the index's columns, and behind them the key.</param>
public sealed record ConflictIndex(string Id, ImmutableArray<ImmutableArray<ConflictValue>> Rows);

/// <param name="Stretch">Where it stands in the text; null for a column that the text does not give.</param>
/// <param name="Default">What such a column has, as SQL.</param>
public sealed record ConflictValue(TextStretch? Stretch, string Default = "NULL");
