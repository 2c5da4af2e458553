using System.Buffers;
using System.Text;

namespace ShardProxy.Statements;

/// <summary>A shape as people read it, for logs: every literal is a question mark, also one whose bytes are part of the shape.</summary>
public static class ShapeText
{
    /// <summary>Longer statements are cut here, in bytes.</summary>
    public const int LargestText = 4096;

    /// <summary>The shape of the text that was scanned last.</summary>
    public static string Render(ShapeScanner scanner)
    {
        var shape = scanner.Shape;
        var output = new ArrayBufferWriter<byte>(Math.Clamp(shape.Length, 16, LargestText));
        var slot = 0;
        // The header says how the text was read; it ends with its first byte, or behind the name of a hint's shard.
        var position = scanner.Hint.Kind == RoutingHintKind.Shard ? shape.IndexOf(ShapeWriter.Separator) + 1 : 1;
        while (position < shape.Length)
        {
            if (output.WrittenCount >= LargestText)
            {
                output.Write("…"u8);
                break;
            }
            position += Token(scanner, shape[position..], ref slot, output);
            output.Write(" "u8);
        }
        return Encoding.UTF8.GetString(output.WrittenSpan).TrimEnd();
    }

    /// <summary>Writes the token at the front; returns its length in the shape with the separator.</summary>
    private static int Token(ShapeScanner scanner, ReadOnlySpan<byte> rest, ref int slot, ArrayBufferWriter<byte> output)
    {
        switch (rest[0])
        {
            case ShapeWriter.NationalPrefix:
                output.Write("n"u8);
                return 2;
            case ShapeWriter.WrittenOut:
                output.Write("?"u8);
                return 1 + scanner.GetLiteral(scanner.GetSlot(slot++).FirstLiteral).Length + 1;
            case < ShapeWriter.Separator:
                output.Write((rest[0] & ShapeWriter.ListBit) != 0 ? "(?, …)"u8 : "?"u8);
                slot++;
                return 2;
        }
        var end = EndOfToken(rest);
        output.Write(rest[..end]);
        return end + 1;
    }

    // Only quoted identifiers hold spaces; a quote inside of one is doubled.
    private static int EndOfToken(ReadOnlySpan<byte> rest)
    {
        var inQuotes = false;
        for (var i = 0; i < rest.Length; i++)
        {
            if (rest[i] == '"')
                inQuotes = !inQuotes;
            else if (rest[i] == ShapeWriter.Separator && !inQuotes)
                return i;
        }
        return rest.Length;
    }
}
