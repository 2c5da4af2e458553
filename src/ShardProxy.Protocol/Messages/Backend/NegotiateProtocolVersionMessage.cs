using System.Text;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The server knows only an older minor version, or does not know some of the "_pq_." options asked for.</summary>
public readonly ref struct NegotiateProtocolVersionMessage
{
    private readonly ReadOnlySpan<byte> _options;

    private NegotiateProtocolVersionMessage(int version, int optionCount, ReadOnlySpan<byte> options)
    {
        Version = version;
        OptionCount = optionCount;
        _options = options;
    }

    /// <summary>
    /// The version to go on with. The documentation calls it the minor version, but every server sends the whole
    /// number, 3 in the upper half, and libpq reads it so.
    /// </summary>
    public int Version { get; }

    public int OptionCount { get; }

    /// <summary>Names of the options that were not understood.</summary>
    public string[] GetOptions()
    {
        var names = new string[OptionCount];
        var reader = new WireReader(_options);
        for (var i = 0; i < names.Length; i++)
            names[i] = reader.TryReadString(out var name) ? Encoding.UTF8.GetString(name) : "";
        return names;
    }

    public static bool TryRead(ReadOnlySpan<byte> body, out NegotiateProtocolVersionMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadInt32(out var version) || !reader.TryReadInt32(out var count) || count < 0)
            return false;
        var options = reader.Rest;
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadString(out _))
                return false;
        }
        message = new NegotiateProtocolVersionMessage(version, count, options);
        return reader.AtEnd;
    }

    public static void Write(ByteBuffer to, int version, IReadOnlyCollection<string> options)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.NegotiateProtocolVersion);
        frame.Int32(version);
        frame.Int32(options.Count);
        foreach (var option in options)
            frame.String(option);
        frame.End();
    }
}
