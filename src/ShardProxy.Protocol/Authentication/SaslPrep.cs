using System.Text;
using ShardProxy.Protocol.Authentication.Unicode;

namespace ShardProxy.Protocol.Authentication;

/// <summary>
/// Prepares a password for SCRAM by RFC 4013 as PostgreSQL applies it: a password that is not UTF-8, or that the
/// profile prohibits, is used as its raw bytes instead of being refused. PostgreSQL checks the prohibited characters
/// before normalization, and so does this.
/// </summary>
public static class SaslPrep
{
    public static byte[] Prepare(ReadOnlySpan<byte> password)
    {
        if (Ascii.IsValid(password) || !TryDecode(password, out var codePoints))
            return password.ToArray();
        var mapped = Map(codePoints);
        if (mapped.Count == 0 || IsProhibited(mapped))
            return password.ToArray();
        return Encode(CompatibilityNormalizer.Normalize(mapped));
    }

    public static byte[] Prepare(string password) => Prepare(Encoding.UTF8.GetBytes(password));

    private static bool TryDecode(ReadOnlySpan<byte> utf8, out List<int> codePoints)
    {
        codePoints = new List<int>(utf8.Length);
        while (!utf8.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(utf8, out var rune, out var consumed) != System.Buffers.OperationStatus.Done)
                return false;
            codePoints.Add(rune.Value);
            utf8 = utf8[consumed..];
        }
        return true;
    }

    private static List<int> Map(List<int> codePoints)
    {
        var tables = UnicodeTables.Instance;
        var mapped = new List<int>(codePoints.Count);
        foreach (var codePoint in codePoints)
        {
            if (tables.NonAsciiSpaces.Contains(codePoint))
                mapped.Add(' ');
            else if (!tables.MappedToNothing.Contains(codePoint))
                mapped.Add(codePoint);
        }
        return mapped;
    }

    private static bool IsProhibited(List<int> codePoints)
    {
        var tables = UnicodeTables.Instance;
        if (codePoints.Exists(tables.Prohibited.Contains))
            return true;
        // RFC 3454, section 6: right-to-left text begins and ends as such and holds nothing that runs the other way.
        return codePoints.Exists(tables.RightToLeft.Contains)
            && (codePoints.Exists(tables.LeftToRight.Contains)
                || !tables.RightToLeft.Contains(codePoints[0])
                || !tables.RightToLeft.Contains(codePoints[^1]));
    }

    private static byte[] Encode(List<int> codePoints)
    {
        var text = new StringBuilder(codePoints.Count);
        foreach (var codePoint in codePoints)
            text.Append(new Rune(codePoint).ToString());
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
