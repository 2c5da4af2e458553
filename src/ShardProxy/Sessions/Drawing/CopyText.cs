using System.Buffers.Binary;
using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Spreading;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Sessions.Drawing;

/// <summary>A COPY with more columns than the client's data have.</summary>
internal static class CopyText
{
    /// <summary>COPY table (…) FROM with further columns at the end of its list, which is there: without one no column is left out.</summary>
    public static byte[] AddColumns(ReadOnlySpan<byte> sql, IEnumerable<string> names)
    {
        var tokens = SqlTokens.Read(sql, 0, sql.Length) ?? throw DrawnStatement.NotReadable();
        var index = 0;
        while (index < tokens.Count && !tokens.IsMark(index, '('))
            index++;
        var closing = index < tokens.Count ? tokens.Closing(index) : -1;
        if (closing < 0)
            throw DrawnStatement.NotReadable();
        var at = tokens[closing].Start;
        var added = Encoding.UTF8.GetBytes(string.Concat(names.Select(static name => $", {Identifiers.QuoteAlways(name)}")));
        return [.. sql[..at], .. added, .. sql[at..]];
    }

    /// <summary>CopyInResponse as the client's own columns have it: format, count, and a format for each column.</summary>
    public static byte[] WithoutColumns(byte[] frame, int count)
    {
        const int CountOffset = Frame.HeaderLength + 1;
        var shorter = frame[..^(count * sizeof(short))];
        BinaryPrimitives.WriteInt32BigEndian(shorter.AsSpan(1), shorter.Length - 1);
        BinaryPrimitives.WriteInt16BigEndian(shorter.AsSpan(CountOffset), (short)(BinaryPrimitives.ReadInt16BigEndian(frame.AsSpan(CountOffset)) - count));
        return shorter;
    }
}
