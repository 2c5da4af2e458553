using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Planning.Drawing;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// INSERT … SELECT whose rows leave the shard on which they are computed: they pass through the proxy, each to the shard of
/// its key; those for a table of the home shard all go there, and those for a reference table to every shard.
/// </summary>
/// <param name="Select">How the query runs: a <see cref="OneShardPlan"/>, a <see cref="Spreading.SpreadPlan"/> without a merge, or a <see cref="Gathering.GatherPlan"/>.</param>
/// <param name="Start">Byte offset of the query in the text.</param>
/// <param name="End">Behind the query.</param>
/// <param name="Columns">The columns that the query's give; a query may have fewer.</param>
/// <param name="Key">The key column; null for a table of the home shard and a reference table.</param>
public sealed record MovedRowsDraft(Plan Select, int Start, int End, QualifiedName Table, ImmutableArray<Column> Columns, string? Key, KeyType? KeyType) : WriteDraft
{
    /// <summary>The column that says the zones of the table's rows; null for a table without zones.</summary>
    public ZoneColumn? Zone { get; init; }

    /// <summary>The table is a reference table: every shard gets all rows.</summary>
    public bool IsReference { get; init; }

    /// <summary>The text lists columns; the list is then open at <see cref="ListAt"/>, and else has its place there.</summary>
    public bool IsListed { get; init; }

    public int ListAt { get; init; }

    /// <summary>Columns that no row gives a value, and that one server must not give by its default.</summary>
    public ImmutableArray<OmittedColumn> Omitted { get; init; } = [];

    /// <summary>ON CONFLICT DO UPDATE: a row that is met twice is an error, so all rows of a shard go in one statement.</summary>
    public bool MayUpdate { get; init; }

    /// <summary>ON CONFLICT or not, the query's rows are those of one moment as long as nobody else's row can be in the way of storing them.</summary>
    public bool HasConflictClause { get; init; }

    /// <summary>An ON CONFLICT in which global indexes have a say; null otherwise.</summary>
    public GlobalConflict? Conflict { get; init; }
}

/// <summary>A column whose default is the time of the statement, or the next value of a sequence.</summary>
/// <param name="Ordinal">Among the table's columns, from 0: a query that lists no columns and has more of them gives it a value.</param>
/// <param name="Clock">The default with <see cref="StatementClock"/>'s marks; null when it is drawn.</param>
public sealed record OmittedColumn(string Name, int Ordinal, string? Clock)
{
    internal DrawnColumn? Drawn { get; init; }

    /// <summary>GENERATED ALWAYS AS IDENTITY.</summary>
    public bool OverridesSystemValues { get; init; }
}
