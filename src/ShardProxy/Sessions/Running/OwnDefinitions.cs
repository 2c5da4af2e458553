using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// Views and functions over sharded tables that the open block has made. Nobody else sees them before COMMIT, the catalog
/// from which statements are planned does not either, so a statement that uses one would run as if it read home tables.
/// </summary>
internal static class OwnDefinitions
{
    /// <summary>Throws <see cref="SqlErrorException"/> (0A000) when the statement names one, other than to define something.</summary>
    public static void Check(Session session, PlannedStatement planned, ReadOnlySpan<byte> sql)
    {
        if (session.Transaction.Definitions is not { } names || planned.Plan is TransactionPlan or SettingPlan)
            return;
        foreach (var name in names)
        {
            if (!Mentions(sql, name))
                continue;
            if (planned.Defines is { } other)
            {
                // What is made of it is like it.
                session.Transaction.Define(other);
                return;
            }
            if (!Uses(planned.Verb))
                continue;
            throw Refusal(name);
        }
    }

    public static SqlErrorException Refusal(string name) => new(
        SqlStates.FeatureNotSupported,
        $"\"{name}\" was made or named so in this transaction and has to do with sharded tables: which rows it needs is not known before COMMIT",
        "Commit first, and use it in another transaction.");

    /// <summary>Notes what a statement has made in an open block.</summary>
    public static void Note(Session session, PlannedStatement planned)
    {
        if (planned is { Defines: { } name, DefinesOverShards: true } && session.Transaction.IsOpen)
            session.Transaction.Define(name);
    }

    /// <summary>Other statements define things, and look into nothing.</summary>
    public static bool Uses(string verb) => verb is "select" or "values" or "insert" or "update" or "delete" or "merge" or "copy" or "call" or "do" or "execute"
        or "declare" or "prepare" or "explain" or "select into" or "create table as" or "create materialized view" or "refresh materialized view";

    /// <summary>The name stands in the text as a word, whatever it means there.</summary>
    public static bool Mentions(ReadOnlySpan<byte> sql, string name)
    {
        var word = System.Text.Encoding.UTF8.GetBytes(name);
        for (var at = 0; at + word.Length <= sql.Length; at++)
        {
            if (!System.Text.Ascii.EqualsIgnoreCase(sql.Slice(at, word.Length), word) && !sql.Slice(at, word.Length).SequenceEqual(word))
                continue;
            if ((at == 0 || !IsWordByte(sql[at - 1])) && (at + word.Length == sql.Length || !IsWordByte(sql[at + word.Length])))
                return true;
        }
        return false;
    }

    private static bool IsWordByte(byte value) => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'_' or (byte)'$' or >= 0x80;
}
