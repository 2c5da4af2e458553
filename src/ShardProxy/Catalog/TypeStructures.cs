using System.Collections.Frozen;

namespace ShardProxy.Catalog;

/// <summary>How a type's binary values are built, as far as object ids are in them.</summary>
public enum TypeForm
{
    /// <summary>No object id inside.</summary>
    Plain,

    /// <summary>The element type's id stands in the header.</summary>
    Array,

    /// <summary>The type's id stands before each field.</summary>
    Composite,

    /// <summary>Two bounds of the inner type.</summary>
    Range,

    /// <summary>Ranges of the inner type.</summary>
    Multirange,
}

/// <param name="Inner">Type of an array's elements, a range's bounds, a multirange's ranges; 0 for the others.</param>
public readonly record struct TypeStructure(TypeForm Form, uint Inner);

/// <summary>One shard's types whose binary values hold object ids, by the shard's own ids; domains count as what they are based on.</summary>
public sealed class TypeStructures
{
    // pg_type: record and record[], the only types of initdb whose values can hold ids of users' types.
    private const uint Record = 2249;
    private const uint RecordArray = 2287;

    private readonly FrozenDictionary<uint, TypeStructure> _structures;

    public TypeStructures(IReadOnlyDictionary<uint, TypeStructure> structures) =>
        _structures = structures.Where(static pair => pair.Value.Form != TypeForm.Plain).ToFrozenDictionary();

    public static TypeStructures Empty { get; } = new(new Dictionary<uint, TypeStructure>());

    /// <summary>Plain when nothing is known of the type.</summary>
    public TypeStructure Find(uint type) => type switch
    {
        Record => new TypeStructure(TypeForm.Composite, 0),
        RecordArray => new TypeStructure(TypeForm.Array, Record),
        < ObjectIdMap.FirstUserObjectId => default,
        _ => _structures.GetValueOrDefault(type),
    };
}
