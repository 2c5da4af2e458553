using System.Text;
using ShardProxy.Statements;

namespace ShardProxy.Sessions;

/// <summary>
/// Lets a READ ONLY block bring rows together in temporary tables, which PostgreSQL makes in no read-only transaction: on
/// the home shard the block is read-write, and the client's statements run in a subtransaction of it that is read-only.
/// Rows are brought together between two such subtransactions.
/// </summary>
/// <remarks>
/// PostgreSQL gives a transaction its own mode back when a read-only subtransaction of it ends (CommitSubTransaction in
/// access/transam/xact.c), and lets nobody out of a read-only one.
/// </remarks>
public static class ReadOnlyBlock
{
    /// <summary>Into the subtransaction in which the client's statements run.</summary>
    public const string Enter = "SAVEPOINT shardproxy_read_only; SET TRANSACTION READ ONLY";

    /// <summary>Out of it, with its locks, cursors and settings.</summary>
    public const string Leave = "RELEASE SAVEPOINT shardproxy_read_only";

    /// <summary>Behind the BEGIN of a read-only block, before its first query.</summary>
    public const string Wrap = "SET TRANSACTION READ WRITE; " + Enter;

    /// <summary>
    /// Whether the words READ ONLY stand in a BEGIN or SET TRANSACTION. With DEFERRABLE the block must really be read-only
    /// to have its snapshot, so that is not meant.
    /// </summary>
    public static bool IsAsked(ReadOnlySpan<byte> text)
    {
        var words = Words(text);
        var only = words.IndexOf("only");
        return only > 0 && words[only - 1] == "read" && !words.Contains("deferrable");
    }

    /// <summary>Whether a text may make the block read-write again: READ WRITE, or the setting by its name.</summary>
    public static bool IsUndone(ReadOnlySpan<byte> text)
    {
        var words = Words(text);
        return words.Contains("write") || words.Contains("transaction_read_only") || words.Contains("default_transaction_read_only");
    }

    /// <summary>Whether a word, in lower case, stands in a text.</summary>
    public static bool Names(ReadOnlySpan<byte> text, string word) => Words(text).Contains(word);

    private static List<string> Words(ReadOnlySpan<byte> text)
    {
        var words = new List<string>();
        for (var position = 0; position < text.Length;)
        {
            var end = position;
            while (end < text.Length && SqlBytes.IsWordByte(text[end]))
                end++;
            if (end > position)
                words.Add(Encoding.ASCII.GetString(text[position..end]).ToLowerInvariant());
            position = Math.Max(end, position + 1);
        }
        return words;
    }
}
