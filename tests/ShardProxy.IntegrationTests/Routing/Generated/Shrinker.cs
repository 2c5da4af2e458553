namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>Looks for a shorter list of choices whose statement fails too: leaves out runs of them, then makes single ones smaller.</summary>
internal static class Shrinker
{
    private const int MaxTries = 400;

    /// <param name="fails">Whether the statement made of the choices shows a difference.</param>
    public static async Task<IReadOnlyList<int>> ShrinkAsync(IReadOnlyList<int> choices, Func<IReadOnlyList<int>, Task<bool>> fails)
    {
        var best = choices.ToList();
        var tries = 0;
        async Task<bool> TryAsync(List<int> candidate)
        {
            if (tries++ >= MaxTries || !await fails(candidate))
                return false;
            best = candidate;
            return true;
        }
        for (var length = best.Count / 2; length > 0; length /= 2)
        {
            for (var start = 0; start < best.Count;)
            {
                var without = best.ToList();
                without.RemoveRange(start, Math.Min(length, best.Count - start));
                if (!await TryAsync(without))
                    start += length;
            }
        }
        for (var index = 0; index < best.Count; index++)
        {
            foreach (var smaller in (int[])[0, best[index] / 2, best[index] - 1])
            {
                if (smaller < 0 || smaller >= best[index])
                    continue;
                var simpler = best.ToList();
                simpler[index] = smaller;
                if (await TryAsync(simpler))
                    break;
            }
        }
        return best;
    }
}
