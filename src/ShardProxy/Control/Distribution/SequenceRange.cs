using Npgsql;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Distribution;

/// <summary>
/// Each shard's own stretch of a sequence's numbers, so that serial and identity columns of a sharded table stay unique
/// over all shards, as they are in one PostgreSQL. The home shard has the lowest stretch, where the sequence began. A
/// shard's stretch depends on nothing but its position when the table was declared, and stays when shards are added.
/// </summary>
internal static class SequenceRange
{
    /// <summary>Numbers for each shard: 2^48 of a bigint's (room for 32,768 shards), 2^25 of an integer's (room for 64).</summary>
    private static long? WidthOf(string type) => type switch
    {
        "bigint" => 1L << 48,
        "integer" => 1L << 25,
        _ => null,
    };

    /// <summary>The statement that confines a sequence to the stretch of shard <paramref name="index"/>; null when it is there already.</summary>
    /// <exception cref="SqlException">The sequence cannot be divided (0A000).</exception>
    public static string? Confine(SequenceState sequence, int index, int shards)
    {
        if (shards == 1)
            return null;
        var width = WidthOf(sequence.Type) ?? throw Refuse(sequence, $"is of type {sequence.Type}, too small to be divided among shards");
        if (sequence.Increment < 0 || sequence.Cycles)
            throw Refuse(sequence, "descends or cycles, and cannot be divided among shards");
        var end = sequence.Type == "bigint" ? long.MaxValue : int.MaxValue;
        if (end / width < shards - 1)
            throw Refuse(sequence, $"is of type {sequence.Type}, too small to be divided among {shards} shards");
        var first = (index * width) + 1;
        var last = (index * width) + (width - 1);
        if (index == 0)
            return ConfineHome(sequence, last);
        if (sequence.Minimum >= first && sequence.Maximum <= last)
            return null;
        return $"ALTER SEQUENCE {sequence.Name} MINVALUE {first} MAXVALUE {last} START WITH {first} RESTART";
    }

    /// <summary>Which shard's stretch a sequence counts in; 0 while it is not confined.</summary>
    public static int StretchOf(SequenceState sequence) =>
        WidthOf(sequence.Type) is { } width && sequence.Minimum > 0 ? (int)((sequence.Minimum - 1) / width) : 0;

    /// <summary>The statement that starts a new sequence of a reference table like the home shard's: every shard counts the same.</summary>
    public static string Copy(SequenceState home) =>
        $"ALTER SEQUENCE {home.Name} MINVALUE {home.Minimum} MAXVALUE {home.Maximum} START WITH {home.Start} "
        + $"RESTART WITH {(home.LastValue is { } last ? last + home.Increment : home.Start)} {(home.Cycles ? "CYCLE" : "NO CYCLE")}";

    /// <summary>Runs a statement for each sequence that the table's columns draw from, inside the caller's transaction.</summary>
    /// <param name="statementFor">Given the sequence as it stands there; null leaves it.</param>
    public static async Task AdjustAsync(
        NpgsqlConnection connection, QualifiedName table, Func<SequenceState, string?> statementFor, CancellationToken cancel)
    {
        var oid = await TableAccess.FindAsync(connection, SqlText.Identifier(table), cancel);
        foreach (var sequence in await DefinitionReader.ReadSequencesAsync(connection, oid, cancel))
        {
            if (statementFor(sequence) is { } statement)
                await TableAccess.ExecuteAsync(connection, statement, cancel);
        }
    }

    private static string? ConfineHome(SequenceState sequence, long last)
    {
        if (Math.Max(sequence.Start, sequence.LastValue ?? 0) >= last)
            throw Refuse(sequence, $"has come to {sequence.LastValue ?? sequence.Start}, beyond the home shard's share, which ends at {last}");
        return sequence.Maximum <= last ? null : $"ALTER SEQUENCE {sequence.Name} MAXVALUE {last}";
    }

    private static SqlException Refuse(SequenceState sequence, string why) => new(
        SqlStates.FeatureNotSupported,
        $"sequence {sequence.Name} {why}",
        "Make the column and its sequence bigint, ascending and without CYCLE.");
}
