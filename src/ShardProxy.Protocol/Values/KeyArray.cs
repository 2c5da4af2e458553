using System.Buffers;
using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// The elements of an array in order, whatever its dimensions: of '{1,NULL}' or of the binary format. Read it to its end
/// with <see cref="TryNext"/> and dispose it. An element stays valid until the next call.
/// </summary>
public ref struct KeyArray
{
    /// <summary>MAXDIM of PostgreSQL.</summary>
    private const int MaxDimensions = 6;

    private TextArrayScanner _scanner;
    private WireReader _reader;
    private int _left;
    private byte[]? _scratch;

    public bool IsBinary { get; private set; }

    /// <summary>As the binary format says; 0 in text.</summary>
    public uint ElementType { get; private set; }

    /// <summary>False when the array is malformed anywhere: nothing of it is to be used then.</summary>
    public static bool TryRead(bool binary, ReadOnlySpan<byte> value, out KeyArray array)
    {
        array = new KeyArray { IsBinary = binary };
        return binary ? array.TryReadBinary(value) : array.TryReadText(value);
    }

    public bool TryNext(out ReadOnlySpan<byte> element, out bool isNull) =>
        IsBinary ? TryNextBinary(out element, out isNull) : TryNextText(out element, out isNull);

    public void Dispose()
    {
        if (_scratch is not null)
            ArrayPool<byte>.Shared.Return(_scratch);
        _scratch = null;
    }

    private bool TryReadText(ReadOnlySpan<byte> text)
    {
        if (!TextArrayScanner.TryOpen(text, out _scanner))
            return false;
        var rehearsal = _scanner;
        ArrayToken token;
        do
        {
            token = rehearsal.Next(out _, out _, out _);
        }
        while (token == ArrayToken.Element);
        return token == ArrayToken.End;
    }

    private bool TryNextText(out ReadOnlySpan<byte> element, out bool isNull)
    {
        if (_scanner.Next(out element, out isNull, out var isEscaped) != ArrayToken.Element)
            return false;
        if (isEscaped)
            element = Unescape(element);
        return true;
    }

    private ReadOnlySpan<byte> Unescape(scoped ReadOnlySpan<byte> element)
    {
        if (_scratch is null || _scratch.Length < element.Length)
        {
            Dispose();
            _scratch = ArrayPool<byte>.Shared.Rent(element.Length);
        }
        var length = 0;
        for (var at = 0; at < element.Length; at++)
        {
            if (element[at] == '\\')
                at++;
            _scratch[length++] = element[at];
        }
        return _scratch.AsSpan(0, length);
    }

    private bool TryReadBinary(ReadOnlySpan<byte> value)
    {
        _reader = new WireReader(value);
        if (!_reader.TryReadInt32(out var dimensions) || dimensions is < 0 or > MaxDimensions)
            return false;
        if (!_reader.TryReadInt32(out var flags) || flags is not (0 or 1) || !_reader.TryReadUInt32(out var elementType))
            return false;
        long count = dimensions == 0 ? 0 : 1;
        for (var i = 0; i < dimensions; i++)
        {
            if (!_reader.TryReadInt32(out var size) || size < 0 || !_reader.TryReadInt32(out _))
                return false;
            count *= size;
            if (count > value.Length / sizeof(int))
                return false;
        }
        if (!ValueCursor.TryMeasure(_reader.Rest, (int)count, out var length) || length != _reader.Rest.Length)
            return false;
        _left = (int)count;
        ElementType = elementType;
        return true;
    }

    private bool TryNextBinary(out ReadOnlySpan<byte> element, out bool isNull)
    {
        element = default;
        isNull = false;
        if (_left == 0)
            return false;
        _left--;
        _reader.TryReadBytes(sizeof(int), out var size);
        var length = BinaryPrimitives.ReadInt32BigEndian(size);
        isNull = length < 0;
        return isNull || _reader.TryReadBytes(length, out element);
    }
}
