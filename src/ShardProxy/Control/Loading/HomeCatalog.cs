using ShardProxy.Catalog;
using ShardProxy.Directory;

namespace ShardProxy.Control.Loading;

/// <summary>What the home shard's catalog said, in one transaction.</summary>
internal sealed record HomeCatalog(
    IReadOnlyList<string> Schemas,
    IReadOnlyList<Relation> Relations,
    IReadOnlyList<FunctionInfo> Functions,
    IReadOnlyList<UniqueKey> UniqueKeys,
    IReadOnlyList<ForeignKey> ForeignKeys,
    ShardObjects Objects,
    string Fingerprint);

/// <summary>A unique index or an exclusion constraint.</summary>
/// <param name="Columns">Attnums of the columns that conflicting rows share; 0 for an expression.</param>
internal sealed record UniqueKey(uint Table, string Name, IReadOnlyList<short> Columns)
{
    public bool IsPrimary { get; init; }
}

/// <param name="Columns">Attnums in <paramref name="Table"/>.</param>
/// <param name="ReferencedColumns">Attnums in <paramref name="Referenced"/>, position by position.</param>
internal sealed record ForeignKey(uint Table, uint Referenced, string Name, IReadOnlyList<short> Columns, IReadOnlyList<short> ReferencedColumns)
{
    /// <summary>A change of the referenced row changes the rows that refer to it: CASCADE, SET NULL, SET DEFAULT.</summary>
    public bool Acts { get; init; }
}

/// <summary>How one shard numbers the objects of users, and what its declared tables look like.</summary>
/// <param name="Types">Object ids that belong to a type's name.</param>
/// <param name="Stamp">Null when the server carries none.</param>
/// <param name="Nature">How values are read, compared and shown there.</param>
/// <param name="Shapes">The declared tables that exist there: their columns as one comparable text.</param>
internal sealed record ShardObjects(
    IReadOnlyDictionary<QualifiedName, TypeIds> Types,
    IReadOnlyDictionary<QualifiedName, uint> Relations,
    IReadOnlyDictionary<QualifiedName, string> Shapes,
    string? Stamp,
    ShardNature Nature,
    string Fingerprint);

/// <summary>A type with its companions; 0 where there is none.</summary>
/// <param name="Kind">pg_type.typtype.</param>
/// <param name="Inner">A domain's base type, a range's subtype.</param>
internal readonly record struct TypeIds(uint Type, uint Array, uint Multirange, uint MultirangeArray, char Kind = 'b', uint Inner = 0);
