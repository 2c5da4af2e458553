using System.Collections.Immutable;
using ShardProxy.Directory;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// INSERT … ON CONFLICT in which global indexes have a say: before its rows are stored, their unique values are looked for in the
/// indexes' entries, and a row with a value that is there goes to the shard of the row that has it, which does what ON CONFLICT says.
/// </summary>
/// <param name="Indexes">Those by which ON CONFLICT goes, or may go; all of the table's when it names none.</param>
public sealed record GlobalConflict(QualifiedName Table, KeyType KeyType, ImmutableArray<ConflictIndex> Indexes)
{
    /// <summary>DO UPDATE.</summary>
    public bool Updates { get; init; }

    /// <summary>DO UPDATE sets columns to which other rows may refer, so that the row is locked as for a delete.</summary>
    public bool SetsKeys { get; init; }

    /// <summary>No columns are named: any unique index of the table may be what a row conflicts with.</summary>
    public bool IsAny { get; init; }

    /// <summary>Some index has expressions or a condition, and only PostgreSQL knows whether ON CONFLICT means it.</summary>
    public bool IsToBeAsked => !IsAny && Indexes.Any(static index => !index.IsPlain);
}

/// <param name="Id">The global index's.</param>
/// <param name="Name">The index's name.</param>
/// <param name="IsPlain">Of columns alone, which are then <paramref name="Columns"/>, and behind them the key; else these are all of the table's.</param>
public sealed record ConflictIndex(string Id, string Name, bool IsPlain, ImmutableArray<ConflictColumn> Columns)
{
    /// <summary>For each row of VALUES and each column, where its value stands in the text; null where the text gives none. Empty for rows that a query gives.</summary>
    public ImmutableArray<ImmutableArray<TextStretch?>> Rows { get; init; } = [];
}

/// <param name="Name">Null for a column that the index does not use.</param>
/// <param name="Default">What it has where no value is given, as SQL.</param>
public sealed record ConflictColumn(string? Name, string Default = "NULL");
