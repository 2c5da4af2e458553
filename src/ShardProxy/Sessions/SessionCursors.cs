using System.Diagnostics.CodeAnalysis;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions;

/// <summary>The cursors that SQL has declared and not closed, by name, and the shard where each stands, unless it is over several.</summary>
public sealed class SessionCursors
{
    // Of a cursor WITH HOLD whose transaction has committed: no rollback reaches it.
    private const int Kept = -1;

    private Dictionary<string, Place>? _places;

    private readonly record struct Place(int Shard, int Savepoint, bool Holds, MergedCursor? Merged = null);

    public bool TryFind(string name, out int shard)
    {
        var place = default(Place);
        var found = _places?.TryGetValue(name, out place) ?? false;
        shard = place.Shard;
        return found && place.Merged is null;
    }

    /// <summary>A cursor over several shards.</summary>
    public bool TryFindMerged(string name, [NotNullWhen(true)] out MergedCursor? cursor)
    {
        var place = default(Place);
        _places?.TryGetValue(name, out place);
        cursor = place.Merged;
        return cursor is not null;
    }

    /// <param name="transaction">Where it was declared; outside a block a cursor WITH HOLD is kept at once.</param>
    public void Add(string name, int shard, SessionTransaction transaction, bool holds) =>
        (_places ??= new(StringComparer.Ordinal))[name] = new Place(shard, transaction.IsOpen ? transaction.SavepointsMade : Kept, holds);

    public void Add(string name, MergedCursor cursor, SessionTransaction transaction) =>
        (_places ??= new(StringComparer.Ordinal))[name] = new Place(-1, transaction.SavepointsMade, Holds: false, cursor);

    public void Remove(string name) => _places?.Remove(name);

    public void Clear() => _places?.Clear();

    /// <summary>ROLLBACK TO a savepoint has undone what was declared since.</summary>
    /// <param name="savepoint">The savepoint's number (<see cref="SessionTransaction.SavepointsMade"/>).</param>
    public void ForgetSince(int savepoint)
    {
        foreach (var (name, place) in _places ?? [])
        {
            if (place.Savepoint >= savepoint)
                _places!.Remove(name);
        }
    }

    /// <summary>The block is over.</summary>
    public void EndBlock(bool committed)
    {
        foreach (var (name, place) in _places ?? [])
        {
            if (place.Savepoint == Kept)
                continue;
            if (committed && place.Holds)
                _places![name] = place with { Savepoint = Kept };
            else
                _places!.Remove(name);
        }
    }
}
