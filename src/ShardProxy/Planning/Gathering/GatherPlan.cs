using System.Collections.Immutable;
using ShardProxy.Directory;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// The general answer: the rows of each sharded table that the statement can need are brought into temporary tables on the
/// home shard, and the statement runs there with those in the tables' places. It holds for one text only.
/// </summary>
/// <param name="Reads">What is read on every shard.</param>
/// <param name="Text">The statement, cut where the temporary tables' names belong.</param>
/// <param name="Views">Views whose queries stand in the text now; who runs the statement must be allowed to read them.</param>
public sealed record GatherPlan(ImmutableArray<GatherRead> Reads, ImmutableArray<GatherPiece> Text, ImmutableArray<QualifiedName> Views) : Plan
{
    /// <summary>DECLARE: the cursor, which needs the temporary tables until it is closed.</summary>
    public string? Cursor { get; init; }

    public bool WithHold { get; init; }

    /// <summary>
    /// The statement runs as written, for a moment over all rows: the temporary tables hold the other shards' and inherit from
    /// the home shard's tables, one each.
    /// </summary>
    public bool Extends { get; init; }

    /// <summary>With <see cref="Extends"/>: what is read follows from definitions of views, which must not be the transaction's own.</summary>
    public bool RestsOnDefinitions { get; init; }

    /// <summary>False for EXPLAIN without ANALYZE, which looks at the tables and not into them.</summary>
    public bool NeedsRows { get; init; } = true;
}

/// <summary>One temporary table: rows and columns of a sharded table.</summary>
/// <param name="Only">Without the tables that inherit from it.</param>
/// <param name="Columns">In the table's order; none when only the number of rows matters.</param>
/// <param name="Condition">SQL over the table's columns that every row must meet to matter, in which the table is "gathered"; null for all rows.</param>
public sealed record GatherRead(QualifiedName Table, bool Only, ImmutableArray<string> Columns, string? Condition)
{
    /// <summary>The query that each shard answers.</summary>
    public string Query
    {
        get
        {
            var columns = string.Join(", ", Columns.Select(static column => $"gathered.{Identifiers.QuoteAlways(column)}"));
            var table = $"{Identifiers.QuoteAlways(Table.Schema)}.{Identifiers.QuoteAlways(Table.Name)}";
            return $"SELECT {columns} FROM {(Only ? "ONLY " : "")}{table} AS gathered{(Condition is null ? "" : $" WHERE {Condition}")}";
        }
    }
}

/// <summary>A stretch of SQL and the table whose name follows it.</summary>
/// <param name="Read">Index of the read whose temporary table's name comes after the text; -1 for none.</param>
public readonly record struct GatherPiece(ReadOnlyMemory<byte> Text, int Read);
