using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Distribution;

/// <summary>Gives the sequences of a table their numbers on a shard (<see cref="SequenceStretch"/>).</summary>
internal static class SequenceRange
{
    /// <summary>The statement that confines a sequence to the stretch of shard <paramref name="index"/>; null when it is there already.</summary>
    /// <exception cref="SqlException">The sequence cannot be divided (0A000).</exception>
    public static string? Confine(SequenceState sequence, int index, int shards)
    {
        var statement = SequenceStretch.Confine(sequence, index, shards, out var problem);
        return problem is null ? statement : throw new SqlException(SqlStates.FeatureNotSupported, problem, SequenceStretch.Hint);
    }

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
}
