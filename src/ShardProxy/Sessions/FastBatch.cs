using System.Buffers.Binary;
using ShardProxy.Catalog;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions;

/// <summary>
/// Recognises the batch that drivers send for one statement: [Parse] Bind [Describe portal] Execute Sync, whole and with
/// the unnamed portal throughout. Reused; all offsets count from the first message.
/// </summary>
public sealed class FastBatch
{
    private uint[] _types = new uint[16];
    private int _bindStart;

    /// <summary>Bytes of the Parse at the front; 0 when there is none.</summary>
    public int ParseLength { get; private set; }

    public int BindEnd { get; private set; }

    public bool HasDescribe { get; private set; }

    /// <summary>Bytes of the whole batch, Sync included.</summary>
    public int Length { get; private set; }

    /// <summary>Set by <see cref="Types"/>: a parameter is of a type whose object id differs between shards.</summary>
    public bool HasUserTypes { get; private set; }

    public ReadOnlySpan<byte> BindBody(ReadOnlySpan<byte> input) => input[(_bindStart + Frame.HeaderLength)..BindEnd];

    public bool TryRead(ReadOnlySpan<byte> input, int maxFrameLength)
    {
        ParseLength = 0;
        HasDescribe = false;
        var position = 0;
        if (!TryNext(input, maxFrameLength, position, out var type, out var length))
            return false;
        if (type == FrontendMessageType.Parse)
        {
            ParseLength = position = length;
            if (!TryNext(input, maxFrameLength, position, out type, out length))
                return false;
        }
        if (type != FrontendMessageType.Bind || !StartsWithUnnamed(input[(position + Frame.HeaderLength)..]))
            return false;
        _bindStart = position;
        BindEnd = position += length;
        if (!TryNext(input, maxFrameLength, position, out type, out length))
            return false;
        if (type == FrontendMessageType.Describe)
        {
            // 'P' and an empty name.
            var body = input.Slice(position + Frame.HeaderLength, length - Frame.HeaderLength);
            if (body.Length != 2 || body[0] != (byte)PreparedKind.Portal || body[1] != 0)
                return false;
            HasDescribe = true;
            position += length;
            if (!TryNext(input, maxFrameLength, position, out type, out length))
                return false;
        }
        if (type != FrontendMessageType.Execute
            || !ExecuteMessage.TryRead(input.Slice(position + Frame.HeaderLength, length - Frame.HeaderLength), out var execute)
            || !execute.Portal.IsEmpty || execute.MaxRows != 0)
        {
            return false;
        }
        position += length;
        if (!TryNext(input, maxFrameLength, position, out type, out length) || type != FrontendMessageType.Sync || length != Frame.HeaderLength)
            return false;
        Length = position + length;
        return true;
    }

    public ReadOnlySpan<uint> Types(in ParseMessage parse)
    {
        var count = parse.ParameterTypeCount;
        if (count > _types.Length)
            _types = new uint[count];
        HasUserTypes = false;
        var raw = parse.RawParameterTypes;
        for (var i = 0; i < count; i++)
        {
            _types[i] = BinaryPrimitives.ReadUInt32BigEndian(raw[(i * sizeof(uint))..]);
            HasUserTypes |= _types[i] >= ObjectIdMap.FirstUserObjectId;
        }
        return _types.AsSpan(0, count);
    }

    private static bool TryNext(ReadOnlySpan<byte> input, int maxFrameLength, int position, out byte type, out int length) =>
        Frame.TryRead(input[position..], maxFrameLength, out type, out length) == FrameStatus.Complete;

    private static bool StartsWithUnnamed(ReadOnlySpan<byte> body) => body.Length > 0 && body[0] == 0;
}
