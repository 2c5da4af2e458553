using System.Collections.Immutable;
using System.Text;

namespace ShardProxy.Planning.Gathering;

/// <summary>A text of which stretches are replaced: by other words, by a temporary table's name, or by a view's query.</summary>
internal sealed class SplicedText(byte[] sql, int start, int end)
{
    private readonly List<Edit> _edits = [];

    public ReadOnlySpan<byte> Bytes => sql;

    /// <summary>Where the statement starts in the text.</summary>
    public int Start { get; } = start;

    /// <summary>Behind its last byte.</summary>
    public int End => end;

    /// <summary>Replaces; nested edits do not overlap, and two insertions at one place come in the order made.</summary>
    public void Replace(int from, int to, string words) => _edits.Add(new Edit(from, to, words, null, null));

    /// <summary>Replaces by the name of the temporary table of a read.</summary>
    public void Replace(int from, int to, TableUse use) => _edits.Add(new Edit(from, to, "", use, null));

    /// <summary>Replaces by another text in parentheses.</summary>
    public void Replace(int from, int to, SplicedText query) => _edits.Add(new Edit(from, to, "", null, query));

    /// <param name="readOf">The index of the read that serves a use.</param>
    public ImmutableArray<GatherPiece> ToPieces(Func<TableUse, int> readOf)
    {
        var pieces = new PieceWriter();
        WriteTo(pieces, readOf);
        return pieces.Finish();
    }

    private void WriteTo(PieceWriter pieces, Func<TableUse, int> readOf)
    {
        var at = Start;
        foreach (var edit in _edits.OrderBy(static edit => edit.From).ThenBy(static edit => edit.To))
        {
            pieces.Write(sql.AsSpan(at, edit.From - at));
            at = edit.To;
            if (edit.Use is not null)
            {
                pieces.WriteName(readOf(edit.Use));
            }
            else if (edit.Query is not null)
            {
                pieces.Write("("u8);
                edit.Query.WriteTo(pieces, readOf);
                pieces.Write("\n)"u8);
            }
            else
            {
                pieces.Write(Encoding.UTF8.GetBytes(edit.Words));
            }
        }
        pieces.Write(sql.AsSpan(at, end - at));
    }

    private sealed record Edit(int From, int To, string Words, TableUse? Use, SplicedText? Query);

    private sealed class PieceWriter
    {
        private readonly ImmutableArray<GatherPiece>.Builder _pieces = ImmutableArray.CreateBuilder<GatherPiece>();
        private readonly Protocol.Framing.ByteBuffer _text = new();

        public void Write(ReadOnlySpan<byte> text) => _text.Write(text);

        public void WriteName(int read)
        {
            _pieces.Add(new GatherPiece(_text.Unread.ToArray(), read));
            _text.Clear();
        }

        public ImmutableArray<GatherPiece> Finish()
        {
            WriteName(-1);
            _text.Release();
            return _pieces.ToImmutable();
        }
    }
}
