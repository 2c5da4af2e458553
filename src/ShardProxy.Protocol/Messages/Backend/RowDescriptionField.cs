using System.Buffers.Binary;

namespace ShardProxy.Protocol.Messages;

/// <summary>One column in a RowDescription. Behind the name stand 18 bytes of fixed layout.</summary>
public readonly ref struct RowDescriptionField
{
    /// <summary>Table OID 4, column number 2, type OID 4, type length 2, type modifier 4, format 2.</summary>
    internal const int FixedLength = 18;

    private readonly ReadOnlySpan<byte> _fixed;

    internal RowDescriptionField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> fixedPart, int offset)
    {
        Name = name;
        _fixed = fixedPart;
        TableOidOffset = offset;
    }

    public ReadOnlySpan<byte> Name { get; }

    public uint TableOid => BinaryPrimitives.ReadUInt32BigEndian(_fixed);

    public short ColumnNumber => BinaryPrimitives.ReadInt16BigEndian(_fixed[4..]);

    public uint TypeOid => BinaryPrimitives.ReadUInt32BigEndian(_fixed[6..]);

    public short TypeLength => BinaryPrimitives.ReadInt16BigEndian(_fixed[10..]);

    public int TypeModifier => BinaryPrimitives.ReadInt32BigEndian(_fixed[12..]);

    /// <summary>0 text, 1 binary; 0 in the answer to a Describe of a statement, where it is not known yet.</summary>
    public short Format => BinaryPrimitives.ReadInt16BigEndian(_fixed[16..]);

    /// <summary>Where in the body the table's OID stands, to be patched in place.</summary>
    public int TableOidOffset { get; }

    /// <summary>Where in the body the column number stands.</summary>
    public int ColumnNumberOffset => TableOidOffset + 4;

    /// <summary>Where in the body the type's OID stands.</summary>
    public int TypeOidOffset => TableOidOffset + 6;

    /// <summary>Where in the body the format code stands.</summary>
    public int FormatOffset => TableOidOffset + 16;
}
