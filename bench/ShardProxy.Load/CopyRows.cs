using System.Globalization;
using System.Text;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Load;

/// <summary>Rows of pgbench_accounts as text, made before the clock starts: CopyData messages, and CopyDone at the end.</summary>
internal static class CopyRows
{
    /// <summary>Bytes of rows in one message; drivers send 8 KB (libpq) to 64 KB.</summary>
    private const int PieceSize = 64 * 1024;

    /// <summary>Of pgbench_accounts.filler, a char(84).</summary>
    private static readonly string Filler = new(' ', 84);

    public static List<byte[]> Create(int rows)
    {
        var (pieces, text, message) = (new List<byte[]>(), new StringBuilder(PieceSize + 256), new ByteBuffer());
        for (var row = 1; row <= rows; row++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{row}\t{((row - 1) / 100_000) + 1}\t0\t{Filler}\n");
            if (text.Length < PieceSize && row < rows)
                continue;
            CopyDataMessage.Write(message, Encoding.ASCII.GetBytes(text.ToString()));
            if (row == rows)
                CopyDoneMessage.Write(message);
            pieces.Add(message.Unread.ToArray());
            message.Clear();
            text.Clear();
        }
        return pieces;
    }
}
