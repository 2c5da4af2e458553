using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>
/// The body that ErrorResponse and NoticeResponse share: a code byte and a string for each field, and a NUL at the
/// end. Enumerate it with <c>foreach</c>; it was checked when it was read.
/// </summary>
public readonly ref struct ErrorFields
{
    private readonly ReadOnlySpan<byte> _fields;

    private ErrorFields(ReadOnlySpan<byte> fields) => _fields = fields;

    public Enumerator GetEnumerator() => new(_fields);

    /// <param name="code">One of <see cref="ErrorFieldCode"/>.</param>
    public bool TryGet(byte code, out ReadOnlySpan<byte> value)
    {
        foreach (var field in this)
        {
            if (field.Code == code)
            {
                value = field.Value;
                return true;
            }
        }
        value = default;
        return false;
    }

    internal static bool TryRead(ReadOnlySpan<byte> body, out ErrorFields fields)
    {
        fields = new ErrorFields(body);
        var reader = new WireReader(body);
        while (reader.TryReadByte(out var code))
        {
            if (code == 0)
                return reader.AtEnd;
            if (!reader.TryReadString(out _))
                return false;
        }
        return false;
    }

    public readonly ref struct Field(byte code, ReadOnlySpan<byte> value)
    {
        public byte Code { get; } = code;

        public ReadOnlySpan<byte> Value { get; } = value;
    }

    public ref struct Enumerator
    {
        private WireReader _reader;

        internal Enumerator(ReadOnlySpan<byte> fields) => _reader = new WireReader(fields);

        public Field Current { get; private set; }

        public bool MoveNext()
        {
            if (!_reader.TryReadByte(out var code) || code == 0 || !_reader.TryReadString(out var value))
                return false;
            Current = new Field(code, value);
            return true;
        }
    }
}
