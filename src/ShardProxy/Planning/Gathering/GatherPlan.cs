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

    /// <summary>By which reads may be cut down further, once the rows of others are known.</summary>
    public ImmutableArray<KeyLink> Links { get; init; } = [];

    /// <summary>Columns by which subqueries look for rows, once for each row around them: without an index that would take the square of the rows.</summary>
    public ImmutableArray<ReadColumn> Lookups { get; init; } = [];

    /// <summary>Nothing in the statement is on the home shard only: neither tables, nor functions that look at their server or change something.</summary>
    public bool MayRunAnywhere { get; init; }

    /// <summary>The same statement with all of its tables brought together, for a server that has none of them; null where it is for a shard only.</summary>
    public GatherPlan? Beside { get; init; }

    /// <summary>What a server must have for the statement to mean the same there; null unless this is a plan for a server beside the shards.</summary>
    public ServerNeeds? Needs { get; init; }

    /// <summary>Values of parameters could cut down what is read.</summary>
    public bool HasParameters => Reads.Any(static read => read.Conditions.Any(static condition => condition.HasParameters))
        || Links.Any(static link => link.Source.HasParameters);

    /// <summary>Rows of some reads are locked where they are read.</summary>
    public bool Locks => Reads.Any(static read => read.Lock is not null);

    /// <summary>False for EXPLAIN without ANALYZE, which looks at the tables and not into them.</summary>
    public bool NeedsRows { get; init; } = true;
}

/// <summary>One temporary table: rows and columns of a sharded table.</summary>
/// <param name="Only">Without the tables that inherit from it.</param>
/// <param name="Columns">In the table's order; none when only the number of rows matters.</param>
/// <param name="Conditions">That every row must meet to matter; none for all rows.</param>
public sealed record GatherRead(QualifiedName Table, bool Only, ImmutableArray<string> Columns, ImmutableArray<ReadCondition> Conditions)
{
    /// <summary>What is read in the place of the table; null for the table itself.</summary>
    public PushedQuery? Pushed { get; init; }

    /// <summary>Who has the rows.</summary>
    public ReadPlace Place { get; init; }

    /// <summary>Null for all rows; parameters stand in it as $n.</summary>
    internal string? Condition => Conditions.IsEmpty ? null : string.Join(" AND ", Conditions.Select(static condition => condition.Text));

    /// <summary>FOR UPDATE and its kin, for a table whose rows the statement locks; null for others.</summary>
    public string? Lock { get; init; }

    /// <summary>Equal rows of a shard are sent once.</summary>
    public bool IsDistinct { get; init; }

    /// <summary>The query that each shard answers.</summary>
    /// <param name="conditions">In SQL, with the table as "gathered".</param>
    public string Query(IReadOnlyCollection<string> conditions) => Select(Pushed is null ? Columns : null, conditions, IsDistinct) + (Lock is null ? "" : $" {Lock}");

    /// <summary>Some columns of the rows that the conditions leave; null for all.</summary>
    internal string Select(ImmutableArray<string>? columns, IReadOnlyCollection<string> conditions, bool isDistinct = false)
    {
        var list = columns is null ? "*" : string.Join(", ", columns.Value.Select(static column => $"gathered.{Identifiers.QuoteAlways(column)}"));
        // The subquery may end with a comment.
        var table = Pushed is { } pushed ? $"({pushed.Sql}\n)" : $"{(Only ? "ONLY " : "")}{Identifiers.QuoteAlways(Table.Schema)}.{Identifiers.QuoteAlways(Table.Name)}";
        return $"SELECT {(isDistinct ? "DISTINCT " : "")}{list} FROM {table} AS gathered{(conditions.Count == 0 ? "" : $" WHERE {string.Join(" AND ", conditions)}")}";
    }
}

/// <summary>Where the rows of a read are.</summary>
public enum ReadPlace
{
    /// <summary>A part on each shard.</summary>
    EveryShard,

    /// <summary>All of them on each shard: one is enough.</summary>
    OneShard,

    /// <summary>On the home shard.</summary>
    Home,
}

/// <summary>What a statement rests on that is not its tables.</summary>
/// <param name="Functions">Names of PostgreSQL's own functions.</param>
/// <param name="Operators">Names of operators, with those that the grammar implies.</param>
/// <param name="ReadsClock">The start of the transaction is one of its values.</param>
public sealed record ServerNeeds(ImmutableArray<string> Functions, ImmutableArray<string> Operators, bool ReadsClock);

/// <param name="Read">Index of a read.</param>
public readonly record struct ReadColumn(int Read, string Column);

/// <summary>A stretch of SQL and the table whose name follows it.</summary>
/// <param name="Read">Index of the read whose temporary table's name comes after the text; -1 for none.</param>
public readonly record struct GatherPiece(ReadOnlyMemory<byte> Text, int Read);
