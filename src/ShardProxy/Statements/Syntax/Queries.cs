using System.Collections.Immutable;

namespace ShardProxy.Statements.Syntax;

/// <summary>What can stand in a WITH: reads and writes.</summary>
public abstract record Query
{
    public WithClause? With { get; init; }
}

public sealed record WithClause(bool Recursive, ImmutableArray<CommonTable> Tables);

/// <param name="Extends">SEARCH or CYCLE add columns that <paramref name="Query"/> does not have.</param>
public sealed record CommonTable(string Name, ImmutableArray<string> ColumnNames, Query Query, bool Extends);

/// <summary>A query that gives rows: SELECT, VALUES, a set operation.</summary>
public abstract record RowQuery : Query
{
    public ImmutableArray<Expression> Order { get; init; } = [];

    /// <summary>LIMIT and OFFSET.</summary>
    public ImmutableArray<Expression> Limits { get; init; } = [];

    /// <summary>ORDER BY; its expressions are those of <see cref="Order"/>.</summary>
    public ImmutableArray<SortItem> SortKeys { get; init; } = [];

    /// <summary>LIMIT or FETCH FIRST; null when there is none. LIMIT ALL and LIMIT NULL have the constant NULL.</summary>
    public Expression? LimitCount { get; init; }

    public Expression? LimitOffset { get; init; }

    /// <summary>FETCH FIRST … WITH TIES.</summary>
    public bool WithTies { get; init; }

    /// <summary>FOR UPDATE and its kin.</summary>
    public bool Locks { get; init; }

    /// <summary>What <see cref="Locks"/> says, clause by clause.</summary>
    public ImmutableArray<LockClause> LockClauses { get; init; } = [];
}

/// <param name="Words">As SQL: FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE.</param>
/// <param name="Of">Names of items of FROM; empty for all of them.</param>
/// <param name="Skips">SKIP LOCKED.</param>
/// <param name="Fails">NOWAIT.</param>
public sealed record LockClause(string Words, ImmutableArray<string> Of, bool Skips, bool Fails);

/// <param name="Value">What is sorted by: an expression, or a position or name of the output.</param>
/// <param name="NullsFirst">Null when not said: last for ascending, first for descending.</param>
/// <param name="HasOperator">ORDER BY … USING an operator, which may mean any order.</param>
public sealed record SortItem(Expression Value, bool IsDescending, bool? NullsFirst, bool HasOperator);

public sealed record Select(
    ImmutableArray<OutputItem> Outputs,
    ImmutableArray<FromItem> From,
    Expression? Where) : RowQuery
{
    /// <summary>DISTINCT or DISTINCT ON.</summary>
    public bool IsDistinct { get; init; }

    public ImmutableArray<Expression> DistinctOn { get; init; } = [];

    /// <summary>The plain expressions of GROUP BY.</summary>
    public ImmutableArray<Expression> Groups { get; init; } = [];

    /// <summary>GROUPING SETS, ROLLUP, CUBE or an empty set.</summary>
    public bool HasGroupingSets { get; init; }

    public Expression? Having { get; init; }

    public ImmutableArray<WindowDefinition> Windows { get; init; } = [];

    /// <summary>SELECT … INTO.</summary>
    public TableName? Into { get; init; }
}

/// <param name="Name">The AS name; null when there is none.</param>
public sealed record OutputItem(Expression Value, string? Name);

public sealed record ValuesQuery(ImmutableArray<ImmutableArray<Expression>> Rows) : RowQuery;

public enum SetOperator
{
    Union,
    Intersect,
    Except,
}

public sealed record SetOperation(SetOperator Operator, bool All, Query Left, Query Right) : RowQuery;

/// <summary>A name as written.</summary>
/// <param name="Schema">Null when not qualified.</param>
/// <param name="Catalog">The database, if the name says one.</param>
public sealed record TableName(string? Catalog, string? Schema, string Name, bool IsTemporary)
{
    public override string ToString() => Schema is null ? Name : $"{Schema}.{Name}";
}

/// <summary>INSERT; <paramref name="Source"/> is null for DEFAULT VALUES.</summary>
public sealed record Insert(TableName Target, string? Alias, ImmutableArray<string> Columns, RowQuery? Source) : Query
{
    public ConflictAction? OnConflict { get; init; }
    public ImmutableArray<OutputItem> Returning { get; init; } = [];

    /// <summary>OVERRIDING SYSTEM VALUE stands in it.</summary>
    public bool OverridesSystemValues { get; init; }

    /// <summary>OVERRIDING USER VALUE: what is given for identity columns is not what is stored.</summary>
    public bool OverridesUserValues { get; init; }
}

/// <param name="Updates">Assignments of DO UPDATE; empty for DO NOTHING.</param>
/// <param name="Others">Index expressions and conditions.</param>
public sealed record ConflictAction(ImmutableArray<Assignment> Updates, ImmutableArray<Expression> Others)
{
    /// <summary>Columns by which conflicts are found, "" for an expression; empty when none are named.</summary>
    public ImmutableArray<string> Columns { get; init; } = [];

    /// <summary>ON CONSTRAINT; null without.</summary>
    public string? Constraint { get; init; }
}

/// <param name="Value">For (a, b) = (…): the element where it is known.</param>
/// <param name="IsWhole">False for array elements and fields: a[1] = …, a.f = ….</param>
public sealed record Assignment(string Column, Expression Value, bool IsWhole);

public sealed record Update(TableName Target, string? Alias, ImmutableArray<Assignment> Assignments, ImmutableArray<FromItem> From, Expression? Where) : Query
{
    public ImmutableArray<OutputItem> Returning { get; init; } = [];
}

public sealed record Delete(TableName Target, string? Alias, ImmutableArray<FromItem> Using, Expression? Where) : Query
{
    public ImmutableArray<OutputItem> Returning { get; init; } = [];
}

public sealed record Merge(TableName Target, string? Alias, FromItem Source, Expression On, ImmutableArray<MergeAction> Actions) : Query;

public enum MergeVerb
{
    Insert,
    Update,
    Delete,
    Nothing,
}

/// <param name="Matched">WHEN MATCHED.</param>
/// <param name="Columns">INSERT's column list; empty when there is none.</param>
/// <param name="Values">INSERT's values; empty for DEFAULT VALUES.</param>
public sealed record MergeAction(
    MergeVerb Verb,
    bool Matched,
    Expression? Condition,
    ImmutableArray<string> Columns,
    ImmutableArray<Expression> Values,
    ImmutableArray<Assignment> Assignments);
