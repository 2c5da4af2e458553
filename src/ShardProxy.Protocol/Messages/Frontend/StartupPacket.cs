using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

public enum StartupKind
{
    /// <summary>A session with protocol 3; the minor version may be one that is not known here.</summary>
    Startup,
    CancelRequest,
    SslRequest,
    GssEncRequest,

    /// <summary>A major version other than 3; its layout is not known and was not read.</summary>
    UnsupportedVersion,
}

/// <summary>
/// What a client sends before there are frames: an Int32 length that counts itself, an Int32 code, and for some codes
/// more (PostgreSQL documentation, "Message Formats").
/// </summary>
public readonly ref struct StartupPacket
{
    /// <summary>Largest packet without its length field, in bytes: PostgreSQL's MAX_STARTUP_PACKET_LENGTH.</summary>
    public const int MaxLength = 10_000;

    /// <summary>Longest cancel key, in bytes, since protocol 3.2; before it was always 4.</summary>
    public const int MaxCancelKeyLength = 256;

    /// <summary>Protocol 3.0 as it stands in a packet: the major version in the upper half.</summary>
    public const int Version30 = 3 << 16;

    /// <summary>Protocol 3.2, with cancel keys of variable length (PostgreSQL 18).</summary>
    public const int Version32 = Version30 | 2;

    // Codes that no version number can have: 1234 in the upper half.
    public const int CancelRequestCode = (1234 << 16) | 5678;
    public const int SslRequestCode = (1234 << 16) | 5679;
    public const int GssEncRequestCode = (1234 << 16) | 5680;

    private StartupPacket(StartupKind kind, int version, StartupParameters parameters, int processId, ReadOnlySpan<byte> cancelKey)
    {
        Kind = kind;
        Version = version;
        Parameters = parameters;
        ProcessId = processId;
        CancelKey = cancelKey;
    }

    public StartupKind Kind { get; }

    /// <summary>Major version in the upper 16 bits, minor in the lower; 0 for requests.</summary>
    public int Version { get; }

    public int MajorVersion => Version >> 16;

    public int MinorVersion => Version & 0xFFFF;

    public StartupParameters Parameters { get; }

    /// <summary>Of a cancel request.</summary>
    public int ProcessId { get; }

    /// <summary>Of a cancel request: 1 to 256 bytes.</summary>
    public ReadOnlySpan<byte> CancelKey { get; }

    /// <param name="data">What arrived; more may follow behind the packet.</param>
    /// <param name="length">Bytes of the packet, to be consumed; 0 unless it is complete.</param>
    public static FrameStatus TryRead(ReadOnlySpan<byte> data, out StartupPacket packet, out int length)
    {
        packet = default;
        length = 0;
        if (!BinaryPrimitives.TryReadInt32BigEndian(data, out var announced))
            return FrameStatus.Incomplete;
        if (announced is < 2 * sizeof(int) or > MaxLength + sizeof(int))
            return FrameStatus.Malformed;
        if (data.Length < announced)
            return FrameStatus.Incomplete;
        length = announced;
        var code = BinaryPrimitives.ReadInt32BigEndian(data[sizeof(int)..]);
        return TryReadBody(code, data[(2 * sizeof(int))..announced], out packet) ? FrameStatus.Complete : FrameStatus.Malformed;
    }

    public static void WriteStartup(ByteBuffer to, int version, IEnumerable<KeyValuePair<string, string>> parameters)
    {
        var packet = FrameWriter.BeginUntyped(to);
        packet.Int32(version);
        foreach (var (name, value) in parameters)
        {
            // An empty name would be read as the end of the list.
            ArgumentException.ThrowIfNullOrEmpty(name, nameof(parameters));
            packet.String(name);
            packet.String(value);
        }
        packet.Byte(0);
        packet.End();
    }

    public static void WriteCancelRequest(ByteBuffer to, int processId, ReadOnlySpan<byte> key)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(key.Length, MaxCancelKeyLength, nameof(key));
        var packet = FrameWriter.BeginUntyped(to);
        packet.Int32(CancelRequestCode);
        packet.Int32(processId);
        packet.Bytes(key);
        packet.End();
    }

    /// <summary>Answered by one byte: S or N.</summary>
    public static void WriteSslRequest(ByteBuffer to) => WriteRequest(to, SslRequestCode);

    /// <summary>Answered by one byte: G or N.</summary>
    public static void WriteGssEncRequest(ByteBuffer to) => WriteRequest(to, GssEncRequestCode);

    private static bool TryReadBody(int code, ReadOnlySpan<byte> body, out StartupPacket packet)
    {
        packet = default;
        switch (code)
        {
            case SslRequestCode:
                packet = new StartupPacket(StartupKind.SslRequest, 0, default, 0, default);
                return body.IsEmpty;
            case GssEncRequestCode:
                packet = new StartupPacket(StartupKind.GssEncRequest, 0, default, 0, default);
                return body.IsEmpty;
            case CancelRequestCode:
                if (!BinaryPrimitives.TryReadInt32BigEndian(body, out var processId))
                    return false;
                var key = body[sizeof(int)..];
                packet = new StartupPacket(StartupKind.CancelRequest, 0, default, processId, key);
                return key.Length is > 0 and <= MaxCancelKeyLength;
        }
        if (code >> 16 != 3)
        {
            packet = new StartupPacket(StartupKind.UnsupportedVersion, code, default, 0, default);
            return true;
        }
        if (!StartupParameters.TryRead(body, out var parameters))
            return false;
        packet = new StartupPacket(StartupKind.Startup, code, parameters, 0, default);
        return true;
    }

    private static void WriteRequest(ByteBuffer to, int code)
    {
        var packet = FrameWriter.BeginUntyped(to);
        packet.Int32(code);
        packet.End();
    }
}
