namespace ShardProxy.Catalog;

/// <summary>
/// Each shard's own stretch of a sequence's numbers, so that serial and identity columns of a sharded table stay unique
/// over all shards, as they are in one PostgreSQL. The home shard has the lowest stretch, where the sequence began. A
/// shard's stretch depends on nothing but its position when the table was declared, and stays when shards are added.
/// </summary>
public static class SequenceStretch
{
    /// <summary>For sequences that cannot be divided.</summary>
    public const string Hint = "Make the column and its sequence bigint, ascending and without CYCLE.";

    /// <summary>The statement that confines a sequence to the stretch of shard <paramref name="index"/>; null when it is there already.</summary>
    /// <param name="problem">Why it cannot be divided; null when it can.</param>
    public static string? Confine(SequenceState sequence, int index, int shards, out string? problem)
    {
        problem = null;
        if (shards == 1)
            return null;
        var end = sequence.Type == "bigint" ? long.MaxValue : int.MaxValue;
        if (WidthOf(sequence.Type) is not { } width)
            problem = $"is of type {sequence.Type}, too small to be divided among shards";
        else if (sequence.Increment < 0 || sequence.Cycles)
            problem = "descends or cycles, and cannot be divided among shards";
        else if (end / width < shards - 1)
            problem = $"is of type {sequence.Type}, too small to be divided among {shards} shards";
        else if (index == 0)
            return ConfineHome(sequence, width - 1, ref problem);
        else
            return ConfineOther(sequence, (index * width) + 1, (index * width) + (width - 1));
        problem = $"sequence {sequence.Name} {problem}";
        return null;
    }

    /// <summary>Which shard's stretch a sequence counts in; 0 while it is not confined.</summary>
    public static int IndexOf(SequenceState sequence) =>
        WidthOf(sequence.Type) is { } width && sequence.Minimum > 0 ? (int)((sequence.Minimum - 1) / width) : 0;

    private static string? ConfineOther(SequenceState sequence, long first, long last) => sequence.Minimum >= first && sequence.Maximum <= last
        ? null
        : $"ALTER SEQUENCE {sequence.Name} MINVALUE {first} MAXVALUE {last} START WITH {first} RESTART";

    private static string? ConfineHome(SequenceState sequence, long last, ref string? problem)
    {
        if (Math.Max(sequence.Start, sequence.LastValue ?? 0) < last)
            return sequence.Maximum <= last ? null : $"ALTER SEQUENCE {sequence.Name} MAXVALUE {last}";
        problem = $"sequence {sequence.Name} has come to {sequence.LastValue ?? sequence.Start}, beyond the home shard's share, which ends at {last}";
        return null;
    }

    /// <summary>Numbers for each shard: 2^48 of a bigint's (room for 32,768 shards), 2^25 of an integer's (room for 64).</summary>
    private static long? WidthOf(string type) => type switch
    {
        "bigint" => 1L << 48,
        "integer" => 1L << 25,
        _ => null,
    };
}
