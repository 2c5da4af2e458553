using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>Writes values that were computed here into rows, as a server writes them.</summary>
internal static class ResultWriter
{
    private const int StackBytes = 256;

    public static void WriteInteger(in FrameWriter row, ValueKind kind, long value, bool binary)
    {
        Span<byte> bytes = stackalloc byte[20];
        if (!binary)
        {
            value.TryFormat(bytes, out var length, default, CultureInfo.InvariantCulture);
            row.Value(bytes[..length]);
            return;
        }
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        var size = kind switch { ValueKind.Int16 => sizeof(short), ValueKind.Int32 => sizeof(int), _ => sizeof(long) };
        row.Value(bytes[(sizeof(long) - size)..sizeof(long)]);
    }

    public static void WriteBool(in FrameWriter row, bool value, bool binary) =>
        row.Value(binary ? value ? [1] : [0] : value ? "t"u8 : "f"u8);

    public static void WriteNumeric(in FrameWriter row, in NumericValue value, bool binary)
    {
        var size = NumericWriter.MaxLength(value);
        var rented = size > StackBytes ? ArrayPool<byte>.Shared.Rent(size) : null;
        var bytes = rented ?? stackalloc byte[StackBytes];
        var length = binary ? NumericWriter.WriteBinary(value, bytes) : NumericWriter.WriteText(value, bytes);
        if (length < 0)
            throw new MergeException(SqlStates.NumericValueOutOfRange, "value overflows numeric format");
        row.Value(bytes[..length]);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
    }

    public static void WriteFloat8(in FrameWriter row, double value, bool binary, int extraFloatDigits)
    {
        Span<byte> bytes = stackalloc byte[FloatText.MaxLength];
        if (binary)
            BinaryPrimitives.WriteDoubleBigEndian(bytes, value);
        row.Value(bytes[..(binary ? sizeof(double) : FloatText.Write(value, extraFloatDigits, bytes))]);
    }

    public static void WriteFloat4(in FrameWriter row, float value, bool binary, int extraFloatDigits)
    {
        Span<byte> bytes = stackalloc byte[FloatText.MaxLength];
        if (binary)
            BinaryPrimitives.WriteSingleBigEndian(bytes, value);
        row.Value(bytes[..(binary ? sizeof(float) : FloatText.Write(value, extraFloatDigits, bytes))]);
    }
}
