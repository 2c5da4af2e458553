using System.Collections.Immutable;
using System.Text;

namespace ShardProxy.Planning.Writing;

/// <summary>Puts texts in place of others. Offsets are bytes of the original's UTF-8.</summary>
internal static class TextEdits
{
    public static string Apply(string text, ImmutableArray<TextEdit> edits) =>
        Encoding.UTF8.GetString(Apply(Encoding.UTF8.GetBytes(text), 0, text.Length == 0 ? 0 : Encoding.UTF8.GetByteCount(text), edits));

    /// <summary>The stretch from <paramref name="start"/> to <paramref name="end"/> with those edits that lie in it.</summary>
    public static byte[] Apply(ReadOnlySpan<byte> text, int start, int end, ImmutableArray<TextEdit> edits)
    {
        var output = new List<byte>(end - start + 64);
        var at = start;
        foreach (var edit in edits)
        {
            if (edit.Start < at || edit.End > end)
                continue;
            output.AddRange(text[at..edit.Start]);
            output.AddRange(Encoding.UTF8.GetBytes(edit.Text));
            at = edit.End;
        }
        output.AddRange(text[at..end]);
        return [.. output];
    }
}
