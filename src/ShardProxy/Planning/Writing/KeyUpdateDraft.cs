using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Directory;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// An UPDATE that assigns the key by which its table is sharded, or the zone. Rows whose new key and zone lead to another
/// shard move there; the others are changed where they are.
/// </summary>
/// <param name="Table">The table that the text names.</param>
/// <param name="Declared">The distributed table that it is, or is a partition of.</param>
/// <param name="Name">What its rows are called in the text: the alias, or the table's name.</param>
/// <param name="HasAlias">The name is an alias.</param>
/// <param name="Columns">All columns that are stored and not computed, in the table's order.</param>
/// <param name="Text">The stretches of the text.</param>
public sealed record KeyUpdateDraft(
    QualifiedName Table, QualifiedName Declared, string Name, bool HasAlias, ImmutableArray<Column> Columns, string Key, KeyType KeyType, UpdateText Text) : WriteDraft
{
    /// <summary>The column that says the zones of the table's rows; null for a table without zones.</summary>
    public ZoneColumn? Zone { get; init; }

    /// <summary>Rows of tables that inherit from the table are its rows too, and they cannot be stored through it.</summary>
    public bool MayHaveChildren { get; init; }
}

/// <summary>A column by which, beside the key, rows are placed.</summary>
public sealed record ZoneColumn(string Name, KeyType Type);
