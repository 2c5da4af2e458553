using System.Collections.Immutable;

namespace ShardProxy.Statements.Syntax;

/// <param name="Alias">Null when there is none.</param>
/// <param name="ColumnNames">Aliases of the first columns.</param>
public abstract record FromItem(string? Alias, ImmutableArray<string> ColumnNames);

public sealed record FromTable(TableName Name, string? Alias, ImmutableArray<string> ColumnNames) : FromItem(Alias, ColumnNames)
{
    /// <summary>TABLESAMPLE's arguments; null when not sampled.</summary>
    public ImmutableArray<Expression>? Sample { get; init; }

    /// <summary>Byte offset of the name in the text; -1 when unknown.</summary>
    public int Location { get; init; } = -1;

    /// <summary>ONLY: without the tables that inherit from it.</summary>
    public bool Only { get; init; }
}

public sealed record FromQuery(Query Query, bool Lateral, string? Alias, ImmutableArray<string> ColumnNames) : FromItem(Alias, ColumnNames);

/// <summary>Functions in FROM, also XMLTABLE and whatever else is neither table nor query.</summary>
/// <param name="Columns">Names of a column definition list, which then are all columns.</param>
/// <param name="SingleColumn">The column's name if one function gives one column; it is only a guess for a function of composite type.</param>
public sealed record FromFunction(ImmutableArray<Expression> Calls, ImmutableArray<string> Columns, string? SingleColumn, string? Alias, ImmutableArray<string> ColumnNames)
    : FromItem(Alias, ColumnNames);

public enum JoinForm
{
    Inner,
    Left,
    Right,
    Full,
}

/// <param name="UsingAlias">USING (…) AS alias.</param>
public sealed record FromJoin(
    JoinForm Form,
    bool Natural,
    FromItem Left,
    FromItem Right,
    ImmutableArray<string> Using,
    string? UsingAlias,
    Expression? On,
    string? Alias,
    ImmutableArray<string> ColumnNames) : FromItem(Alias, ColumnNames);
