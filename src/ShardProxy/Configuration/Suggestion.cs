namespace ShardProxy.Configuration;

/// <summary>Finds what a mistyped word was meant to be.</summary>
internal static class Suggestion
{
    /// <summary>" (did you mean …?)", or nothing when no candidate is near.</summary>
    public static string For(string word, IEnumerable<string> candidates)
    {
        string? best = null;
        var bestDistance = int.MaxValue;
        foreach (var candidate in candidates)
        {
            var distance = Distance(word, candidate);
            if (distance < bestDistance)
                (best, bestDistance) = (candidate, distance);
        }
        // A third of the word wrong is still the same word; more is another one.
        var limit = Math.Max(1, word.Length / 3);
        return best is not null && bestDistance <= limit ? $" (did you mean {best}?)" : "";
    }

    /// <summary>Insertions, deletions, changes and swaps of neighbours (optimal string alignment), ignoring case and - against _.</summary>
    private static int Distance(string left, string right)
    {
        var a = left.ToLowerInvariant().Replace('-', '_');
        var b = right.ToLowerInvariant().Replace('-', '_');
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            rows[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            rows[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var change = a[i - 1] == b[j - 1] ? 0 : 1;
                var distance = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + change);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    distance = Math.Min(distance, rows[i - 2, j - 2] + 1);
                rows[i, j] = distance;
            }
        }
        return rows[a.Length, b.Length];
    }
}
