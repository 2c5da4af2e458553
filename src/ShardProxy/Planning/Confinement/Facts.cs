using System.Collections.Immutable;

namespace ShardProxy.Planning.Confinement;

/// <summary>A column of one relation in one place of a statement. Identity is by reference.</summary>
/// <param name="typeOid">0 when unknown.</param>
internal sealed class ColumnVariable(string? name, uint typeOid, int typeModifier, ValueFamily family)
{
    public string? Name { get; } = name;
    public uint TypeOid { get; } = typeOid;
    public int TypeModifier { get; } = typeModifier;
    public ValueFamily Family { get; } = family;

    /// <summary>The built-in operators order its values as their bytes are ordered: any type but text under another collation than "C".</summary>
    public bool OrdersByBytes { get; init; }

    /// <summary>The key of a sharded table, which is never NULL in a stored row.</summary>
    public bool IsKey { get; init; }
}

/// <summary>A value that a text or its parameters give.</summary>
/// <param name="Family">Null takes the type of what it is compared with: a quoted literal, a parameter, NULL.</param>
/// <param name="IsArray">The value is an array, any of whose elements is meant.</param>
/// <param name="NaturalType">The type that it has by itself; 0 when it takes the other side's.</param>
internal readonly record struct Operand(KeyTerm Term, ValueFamily? Family, bool IsArray, uint NaturalType);

/// <summary>
/// Something that holds for every row (or combination of rows) that can matter to the result. Facts about a column never
/// hold where the column is NULL.
/// </summary>
internal abstract record Fact;

/// <param name="NotNull">False when the two may also be NULL together: an output column and what it shows.</param>
internal sealed record SameValue(ColumnVariable Left, ColumnVariable Right, bool NotNull = true) : Fact;

internal sealed record OneOf(ColumnVariable Column, ImmutableArray<Operand> Values) : Fact;

/// <summary>column comparison value.</summary>
internal sealed record Compared(ColumnVariable Column, KeyComparison Comparison, Operand Value) : Fact;

/// <summary>The facts of at least one branch hold.</summary>
internal sealed record Either(ImmutableArray<ImmutableArray<Fact>> Branches) : Fact;

/// <summary>No row can matter.</summary>
internal sealed record NeverTrue : Fact
{
    public static NeverTrue Instance { get; } = new();
}

/// <summary>The column's value, where it is not NULL, is that of one of the sources in one of their rows.</summary>
internal sealed record DrawnFrom(ColumnVariable Column, DrawSources Sources) : Fact
{
    /// <summary>The rows are those that a part of WITH returns which writes: on one of several shards only that shard's.</summary>
    public bool IsWritten { get; init; }
}

/// <summary>All facts of another scope hold too.</summary>
internal sealed record Imported(FactScope Scope) : Fact;

/// <param name="Column">Null when the source is a list of values.</param>
internal readonly record struct DrawSource(ColumnVariable? Column, FactScope? Scope, ImmutableArray<Operand> Values);

/// <summary>Identity is by reference. Of a recursive query the sources may lead back to themselves.</summary>
internal sealed class DrawSources(bool recursive)
{
    public bool Recursive { get; } = recursive;

    public List<DrawSource> Sources { get; } = [];
}
