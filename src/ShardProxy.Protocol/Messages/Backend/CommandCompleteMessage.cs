using System.Buffers.Text;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A statement is done. Its tag names the command and for some commands ends with a count of rows.</summary>
public readonly ref struct CommandCompleteMessage
{
    private CommandCompleteMessage(ReadOnlySpan<byte> tag) => Tag = tag;

    /// <summary>"SELECT 5", "INSERT 0 3", "CREATE TABLE".</summary>
    public ReadOnlySpan<byte> Tag { get; }

    /// <summary>The number behind the tag's last space; false when there is none ("BEGIN").</summary>
    public bool TryGetRowCount(out long rows)
    {
        var digits = Tag[(Tag.LastIndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(digits, out rows, out var consumed) && consumed == digits.Length && rows >= 0;
    }

    public static bool TryRead(ReadOnlySpan<byte> body, out CommandCompleteMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadString(out var tag) || !reader.AtEnd)
            return false;
        message = new CommandCompleteMessage(tag);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> tag)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.CommandComplete);
        frame.String(tag);
        frame.End();
    }

    /// <param name="verb">The tag up to the count, with its space: "SELECT ", "INSERT 0 ".</param>
    public static void Write(ByteBuffer to, ReadOnlySpan<byte> verb, long rows)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(rows, digits, out var length);
        var frame = FrameWriter.Begin(to, BackendMessageType.CommandComplete);
        frame.Bytes(verb);
        frame.String(digits[..length]);
        frame.End();
    }
}
