using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Execution.Copying;

/// <summary>
/// COPY's binary format: signature, flags and an extension; then for each row a field count and each field's length and
/// bytes; the count -1 ends it (PostgreSQL documentation, COPY, "Binary Format").
/// </summary>
internal sealed class BinaryRowScanner : CopyRowScanner
{
    /// <summary>Signature, flags, length of the extension.</summary>
    private const int PrologueLength = 11 + sizeof(int) + sizeof(int);

    private const short TrailerCount = -1;

    private readonly int _columnCount;
    private bool _prologueTaken;
    private bool _trailerTaken;
    private int _fieldsLeft;
    private int _keyStart;
    private int _keyLength;
    private int _zoneStart;
    private int _zoneLength;

    public BinaryRowScanner(int keyOrdinal, int columnCount, int zoneOrdinal = -1)
        : base(keyOrdinal, zoneOrdinal) => _columnCount = columnCount;

    private static ReadOnlySpan<byte> Signature => [(byte)'P', (byte)'G', (byte)'C', (byte)'O', (byte)'P', (byte)'Y', (byte)'\n', 0xff, (byte)'\r', (byte)'\n', 0];

    protected override CopyKeyState Read(ReadOnlySpan<byte> row, bool isZone, ByteBuffer scratch, out ReadOnlySpan<byte> value)
    {
        var (start, length) = isZone ? (_zoneStart, _zoneLength) : (_keyStart, _keyLength);
        value = length < 0 ? default : row.Slice(start, length);
        return length < 0 ? CopyKeyState.Null : CopyKeyState.Value;
    }

    protected override void BeginRow() => _fieldsLeft = -1;

    protected override CopyCut Cut(ReadOnlySpan<byte> data, bool isLast, out int length)
    {
        length = 0;
        if (data.IsEmpty)
            return CopyCut.Incomplete;
        if (_trailerTaken)
            return Malformed("received copy data after EOF marker");
        if (!_prologueTaken)
            return Prologue(data, isLast, out length);
        var cut = Row(data, out length);
        return cut == CopyCut.Incomplete && isLast ? Malformed("unexpected EOF in COPY data") : cut;
    }

    private CopyCut Prologue(ReadOnlySpan<byte> data, bool isLast, out int length)
    {
        length = 0;
        var known = Math.Min(data.Length, Signature.Length);
        if (!data[..known].SequenceEqual(Signature[..known]))
            return Malformed("COPY file signature not recognized");
        if (data.Length >= PrologueLength)
        {
            var extension = BinaryPrimitives.ReadInt32BigEndian(data[(PrologueLength - sizeof(int))..]);
            if (extension < 0)
                return Malformed("invalid COPY file header (missing length)");
            if (data.Length - PrologueLength >= extension)
            {
                length = PrologueLength + extension;
                _prologueTaken = true;
                return CopyCut.Preamble;
            }
        }
        return isLast ? Malformed("invalid COPY file header (missing flags)") : CopyCut.Incomplete;
    }

    private CopyCut Row(ReadOnlySpan<byte> data, out int length)
    {
        length = 0;
        if (_fieldsLeft < 0)
        {
            if (data.Length < sizeof(short))
                return CopyCut.Incomplete;
            var count = BinaryPrimitives.ReadInt16BigEndian(data);
            Position = sizeof(short);
            if (count == TrailerCount)
            {
                _trailerTaken = true;
                length = Position;
                return CopyCut.Trailer;
            }
            Line++;
            if (count != _columnCount)
                return Malformed($"row field count is {count}, expected {_columnCount}");
            _fieldsLeft = count;
        }
        while (_fieldsLeft > 0)
        {
            if (data.Length - Position < sizeof(int))
                return CopyCut.Incomplete;
            var size = BinaryPrimitives.ReadInt32BigEndian(data[Position..]);
            if (size < -1)
                return Malformed("invalid field size");
            if (data.Length - Position - sizeof(int) < size)
                return CopyCut.Incomplete;
            Position += sizeof(int);
            if (_columnCount - _fieldsLeft == KeyOrdinal)
                (_keyStart, _keyLength) = (Position, size);
            if (_columnCount - _fieldsLeft == ZoneOrdinal)
                (_zoneStart, _zoneLength) = (Position, size);
            Position += Math.Max(size, 0);
            _fieldsLeft--;
        }
        length = Position;
        return CopyCut.Row;
    }
}
