namespace ShardProxy.Protocol.Authentication.Unicode;

/// <summary>
/// Unicode normalization form KC (Unicode Standard Annex 15): decompose, put marks in canonical order, compose.
/// </summary>
internal static class CompatibilityNormalizer
{
    // Hangul syllables are computed (Unicode Standard, section 3.12).
    private const int SyllableBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TrailCount = 28;
    private const int SyllableCount = LeadCount * VowelCount * TrailCount;

    public static List<int> Normalize(IReadOnlyList<int> codePoints)
    {
        var tables = UnicodeTables.Instance;
        var decomposed = new List<int>(codePoints.Count);
        foreach (var codePoint in codePoints)
            Decompose(tables, codePoint, decomposed);
        Reorder(tables, decomposed);
        return Compose(tables, decomposed);
    }

    private static void Decompose(UnicodeTables tables, int codePoint, List<int> to)
    {
        var syllable = codePoint - SyllableBase;
        if ((uint)syllable < SyllableCount)
        {
            to.Add(LeadBase + (syllable / (VowelCount * TrailCount)));
            to.Add(VowelBase + (syllable % (VowelCount * TrailCount) / TrailCount));
            if (syllable % TrailCount != 0)
                to.Add(TrailBase + (syllable % TrailCount));
        }
        else if (tables.Decompose(codePoint) is { } parts)
        {
            to.AddRange(parts);
        }
        else
        {
            to.Add(codePoint);
        }
    }

    // Marks between two starters are sorted by class; equal classes keep their order.
    private static void Reorder(UnicodeTables tables, List<int> codePoints)
    {
        for (var i = 1; i < codePoints.Count; i++)
        {
            var mark = codePoints[i];
            var combiningClass = tables.CombiningClass(mark);
            if (combiningClass == 0)
                continue;
            var at = i;
            while (at > 0 && tables.CombiningClass(codePoints[at - 1]) > combiningClass)
            {
                codePoints[at] = codePoints[at - 1];
                at--;
            }
            codePoints[at] = mark;
        }
    }

    private static List<int> Compose(UnicodeTables tables, List<int> codePoints)
    {
        var result = new List<int>(codePoints.Count);
        var starter = -1;
        var lastClass = -1;
        foreach (var codePoint in codePoints)
        {
            var combiningClass = tables.CombiningClass(codePoint);
            if (starter >= 0 && lastClass < combiningClass && ComposePair(tables, result[starter], codePoint) is > 0 and var composite)
            {
                result[starter] = composite;
                continue;
            }
            if (combiningClass == 0)
            {
                starter = result.Count;
                lastClass = -1;
            }
            else
            {
                lastClass = combiningClass;
            }
            result.Add(codePoint);
        }
        return result;
    }

    private static int ComposePair(UnicodeTables tables, int first, int second)
    {
        var lead = first - LeadBase;
        var vowel = second - VowelBase;
        if ((uint)lead < LeadCount && (uint)vowel < VowelCount)
            return SyllableBase + (((lead * VowelCount) + vowel) * TrailCount);
        var syllable = first - SyllableBase;
        var trail = second - TrailBase;
        if ((uint)syllable < SyllableCount && syllable % TrailCount == 0 && trail is > 0 and < TrailCount)
            return first + trail;
        return tables.Compose(first, second);
    }
}
