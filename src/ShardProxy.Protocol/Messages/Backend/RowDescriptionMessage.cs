using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The columns of the rows that follow; enumerate them with <c>foreach</c>.</summary>
public readonly ref struct RowDescriptionMessage
{
    private readonly ReadOnlySpan<byte> _body;

    private RowDescriptionMessage(ReadOnlySpan<byte> body, int count)
    {
        _body = body;
        Count = count;
    }

    public int Count { get; }

    public Enumerator GetEnumerator() => new(_body, Count);

    public static bool TryRead(ReadOnlySpan<byte> body, out RowDescriptionMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadUInt16(out var count))
            return false;
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadString(out _) || !reader.TryReadBytes(RowDescriptionField.FixedLength, out _))
                return false;
        }
        if (!reader.AtEnd)
            return false;
        message = new RowDescriptionMessage(body, count);
        return true;
    }

    public static void Write(ByteBuffer to, params ReadOnlySpan<FieldDescription> fields)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.RowDescription);
        frame.Count(fields.Length);
        foreach (var field in fields)
        {
            frame.String(field.Name);
            frame.UInt32(field.TableOid);
            frame.Int16(field.ColumnNumber);
            frame.UInt32(field.TypeOid);
            frame.Int16(field.TypeLength);
            frame.Int32(field.TypeModifier);
            frame.Int16(field.Format);
        }
        frame.End();
    }

    public ref struct Enumerator
    {
        private WireReader _reader;
        private int _left;

        internal Enumerator(ReadOnlySpan<byte> body, int count)
        {
            _reader = new WireReader(body);
            _reader.TryReadUInt16(out _);
            _left = count;
        }

        public RowDescriptionField Current { get; private set; }

        public bool MoveNext()
        {
            if (_left == 0 || !_reader.TryReadString(out var name))
                return false;
            var offset = _reader.Position;
            if (!_reader.TryReadBytes(RowDescriptionField.FixedLength, out var fixedPart))
                return false;
            _left--;
            Current = new RowDescriptionField(name, fixedPart, offset);
            return true;
        }
    }
}
