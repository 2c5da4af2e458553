using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Calls a function by its OID, outside SQL: an old door that libpq's large-object functions still use.</summary>
public readonly ref struct FunctionCallMessage
{
    private readonly ReadOnlySpan<byte> _values;

    private FunctionCallMessage(uint functionOid, FormatCodes argumentFormats, int argumentCount, ReadOnlySpan<byte> values, short resultFormat)
    {
        FunctionOid = functionOid;
        ArgumentFormats = argumentFormats;
        ArgumentCount = argumentCount;
        _values = values;
        ResultFormat = resultFormat;
    }

    public uint FunctionOid { get; }

    public FormatCodes ArgumentFormats { get; }

    public int ArgumentCount { get; }

    public ValueCursor Arguments => new(_values, ArgumentCount);

    public short ResultFormat { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out FunctionCallMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadUInt32(out var functionOid) || !FormatCodes.TryRead(ref reader, out var formats))
            return false;
        if (!reader.TryReadUInt16(out var count) || !formats.Fits(count))
            return false;
        if (!ValueCursor.TryMeasure(reader.Rest, count, out var length) || !reader.TryReadBytes(length, out var values))
            return false;
        if (!reader.TryReadInt16(out var resultFormat) || !reader.AtEnd)
            return false;
        message = new FunctionCallMessage(functionOid, formats, count, values, resultFormat);
        return true;
    }

    /// <param name="format">The format of all arguments and of the result.</param>
    public static void Write(ByteBuffer to, uint functionOid, short format, ReadOnlySpan<byte[]?> arguments)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.FunctionCall);
        frame.UInt32(functionOid);
        frame.Count(1);
        frame.Int16(format);
        frame.Count(arguments.Length);
        foreach (var argument in arguments)
        {
            if (argument is null)
                frame.Null();
            else
                frame.Value(argument);
        }
        frame.Int16(format);
        frame.End();
    }
}
