using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Gives a prepared statement its parameters and makes a portal of it.</summary>
public readonly ref struct BindMessage
{
    private readonly ReadOnlySpan<byte> _values;

    private BindMessage(
        ReadOnlySpan<byte> portal,
        ReadOnlySpan<byte> statement,
        ReadOnlySpan<byte> afterNames,
        FormatCodes parameterFormats,
        int parameterCount,
        ReadOnlySpan<byte> values,
        FormatCodes resultFormats)
    {
        Portal = portal;
        Statement = statement;
        AfterNames = afterNames;
        ParameterFormats = parameterFormats;
        ParameterCount = parameterCount;
        _values = values;
        ResultFormats = resultFormats;
    }

    /// <summary>Empty for the unnamed portal.</summary>
    public ReadOnlySpan<byte> Portal { get; }

    /// <summary>Empty for the unnamed statement.</summary>
    public ReadOnlySpan<byte> Statement { get; }

    /// <summary>The rest of the body behind the two names, as it came.</summary>
    public ReadOnlySpan<byte> AfterNames { get; }

    public FormatCodes ParameterFormats { get; }

    public FormatCodes ResultFormats { get; }

    public int ParameterCount { get; }

    /// <summary>Reads many parameters in ascending order, a step each.</summary>
    public ValueCursor Parameters => new(_values, ParameterCount);

    public bool IsBinary(int index) => ParameterFormats[index] == 1;

    /// <summary>0 text, 1 binary. <paramref name="index"/> must be below <see cref="ParameterCount"/>.</summary>
    public short ParameterFormat(int index) => ParameterFormats[index];

    /// <summary>Walks from the first parameter; for several of them take <see cref="Parameters"/>.</summary>
    public bool TryGetParameter(int index, out ReadOnlySpan<byte> value, out bool isNull) =>
        Parameters.TryGet(index, out value, out isNull);

    public static bool TryRead(ReadOnlySpan<byte> body, out BindMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadString(out var portal) || !reader.TryReadString(out var statement))
            return false;
        var afterNames = reader.Rest;
        if (!FormatCodes.TryRead(ref reader, out var parameterFormats) || !reader.TryReadUInt16(out var count))
            return false;
        if (!parameterFormats.Fits(count) || !ValueCursor.TryMeasure(reader.Rest, count, out var length))
            return false;
        if (!reader.TryReadBytes(length, out var values) || !FormatCodes.TryRead(ref reader, out var resultFormats) || !reader.AtEnd)
            return false;
        message = new BindMessage(portal, statement, afterNames, parameterFormats, count, values, resultFormats);
        return true;
    }

    /// <param name="parameterFormats">None, one for all, or one for each parameter.</param>
    /// <param name="parameters">Null elements are SQL nulls.</param>
    /// <param name="resultFormats">None, one for all, or one for each result column.</param>
    public static void Write(
        ByteBuffer to,
        ReadOnlySpan<byte> portal,
        ReadOnlySpan<byte> statement,
        ReadOnlySpan<short> parameterFormats,
        ReadOnlySpan<byte[]?> parameters,
        ReadOnlySpan<short> resultFormats)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Bind);
        frame.String(portal);
        frame.String(statement);
        WriteFormats(frame, parameterFormats);
        frame.Count(parameters.Length);
        foreach (var parameter in parameters)
        {
            if (parameter is null)
                frame.Null();
            else
                frame.Value(parameter);
        }
        WriteFormats(frame, resultFormats);
        frame.End();
    }

    /// <summary>The same parameters and formats for another portal and statement, copied and not encoded anew.</summary>
    public static void WriteRenamed(ByteBuffer to, in BindMessage original, ReadOnlySpan<byte> portal, ReadOnlySpan<byte> statement)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Bind);
        frame.String(portal);
        frame.String(statement);
        frame.Bytes(original.AfterNames);
        frame.End();
    }

    /// <summary>As <see cref="WriteRenamed"/>, with other result formats.</summary>
    public static void WriteReformatted(ByteBuffer to, in BindMessage original, ReadOnlySpan<byte> portal, ReadOnlySpan<byte> statement, ReadOnlySpan<short> resultFormats)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Bind);
        frame.String(portal);
        frame.String(statement);
        frame.Bytes(original.AfterNames[..^(sizeof(short) + original.ResultFormats.Raw.Length)]);
        WriteFormats(frame, resultFormats);
        frame.End();
    }

    private static void WriteFormats(FrameWriter frame, ReadOnlySpan<short> formats)
    {
        frame.Count(formats.Length);
        foreach (var format in formats)
            frame.Int16(format);
    }
}
