using System.Text;
using ShardProxy.Statements;

namespace ShardProxy.Sessions.Running;

/// <summary>One statement of a client's text.</summary>
/// <param name="Whole">The text as the client sent it; the session's scanner speaks of its offsets.</param>
/// <param name="Start">First byte of the statement.</param>
/// <param name="End">Behind its last byte.</param>
public readonly record struct StatementText(ReadOnlyMemory<byte> Whole, int Start, int End)
{
    public ReadOnlySpan<byte> Bytes => Whole.Span[Start..End];

    /// <summary>Which of the text's statements it is.</summary>
    /// <param name="scanner">Has just read the text.</param>
    public int IndexIn(ShapeScanner scanner)
    {
        var index = 0;
        while (index + 1 < scanner.StatementCount && scanner.GetStatement(index).Start != Start)
            index++;
        return index;
    }

    /// <summary>Characters before the statement: what a server's error position is short of.</summary>
    public int PositionOffset => Start == 0 ? 0 : Encoding.UTF8.GetCharCount(Whole.Span[..Start]);
}
