using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ShardProxy.Sessions.Committing;

/// <summary>
/// The name of a transaction that has written on several shards, as its prepared parts carry it: shardproxy:cluster:shard:id:n.
/// Whoever finds a prepared part knows by it whether it is ours, and which shard has the decision.
/// </summary>
/// <param name="Cluster">The directory's uuid.</param>
/// <param name="Decider">The name of the shard whose own commit is the decision.</param>
/// <param name="Id">32 hexadecimal digits: the hash of the transaction's secret (<see cref="CommitSecret"/>).</param>
public sealed record GlobalTransactionId(string Cluster, string Decider, string Id)
{
    /// <summary>Of every name that is ours; clients may not use it.</summary>
    public const string Prefix = "shardproxy:";

    /// <summary>
    /// The name of one part. Parts are numbered, because a server takes a name once and may hold several shards' databases.
    /// Neither a uuid nor a shard's name holds a colon or a quote, and with 63 bytes of shard name it stays below
    /// PostgreSQL's 200 (GIDSIZE in xact.h).
    /// </summary>
    public string NameOfPart(int part) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Cluster}:{Decider}:{Id}:{part}");

    /// <summary>Reads the name of a part; false for the names of others.</summary>
    public static bool TryParse(string name, [NotNullWhen(true)] out GlobalTransactionId? transaction)
    {
        transaction = null;
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        var fields = name[Prefix.Length..].Split(':');
        if (fields is not [var cluster, var decider, { Length: CommitSecret.IdLength } id, var part]
            || cluster.Length == 0 || decider.Length == 0
            || !int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            return false;
        }
        transaction = new GlobalTransactionId(cluster, decider, id);
        return true;
    }
}
