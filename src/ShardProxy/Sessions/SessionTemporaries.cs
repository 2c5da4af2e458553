using System.Collections.Immutable;

namespace ShardProxy.Sessions;

/// <summary>
/// Names of the temporary relations of one session. They live on the home shard's connection, which stays with the
/// session; a text that was planned without them may not be used with them, so each change has a number of its own.
/// </summary>
public sealed class SessionTemporaries
{
    private static readonly ImmutableHashSet<string> None = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    private static long _nextVersion;

    public ImmutableHashSet<string> Names { get; private set; } = None;

    /// <summary>0 while there are none; otherwise unique in the process.</summary>
    public long Version { get; private set; }

    public void Replace(IEnumerable<string> names)
    {
        var next = names.ToImmutableHashSet(StringComparer.Ordinal);
        if (next.SetEquals(Names))
            return;
        Names = next;
        Version = next.IsEmpty ? 0 : Interlocked.Increment(ref _nextVersion);
    }

    public void Clear() => Replace([]);
}
