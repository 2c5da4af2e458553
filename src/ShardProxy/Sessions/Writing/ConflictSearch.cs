using System.Globalization;
using System.Text;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Writing;

/// <summary>Says where the rows of an INSERT … ON CONFLICT go: each to the shard of the row with which it conflicts, and else to its own.</summary>
/// <param name="own">The shards of the rows' keys.</param>
internal sealed class ConflictSearch(Session session, ProposedRows proposed, IReadOnlyList<int> own)
{
    private const int AnyShard = -1;

    /// <summary>For each row its shard. Null when a row that was to be in conflict is not there: it comes or goes at this moment.</summary>
    /// <param name="rows">Those in question; in order.</param>
    public async ValueTask<Destinations?> FindAsync(IReadOnlyList<int> rows)
    {
        var targets = new Dictionary<int, int>();
        var hasTwins = false;
        for (var index = 0; index < proposed.Entries.Count; index++)
        {
            var twins = new List<(int Row, int First)>();
            foreach (var part in rows.Where(row => proposed.Entries[index][row] is not null).GroupBy(row => EntryShard(index, row)).OrderBy(static part => part.Key))
            {
                int[] asked = [.. part];
                var found = await LookAsync(index, part.Key, asked);
                var places = await PlacesAsync(found);
                for (var at = 0; at < asked.Length; at++)
                {
                    if (places[at] is { } place)
                        targets.TryAdd(asked[at], place);
                    else if (found[at].First != at)
                        twins.Add((asked[at], asked[found[at].First]));
                }
                if (!await HoldAsync(index, asked, places, targets))
                    return null;
            }
            // What has the values of an earlier row meets that one.
            foreach (var (row, first) in twins)
                targets.TryAdd(row, targets.GetValueOrDefault(first, own[first]));
            hasTwins |= twins.Count > 0;
        }
        return new Destinations([.. rows.Select(row => targets.GetValueOrDefault(row, own[row]))], hasTwins);
    }

    private int EntryShard(int index, int row) => EntryChanges.ShardOf(session.Planning().Routing.Directory, proposed.Entries[index][row]!.Hash);

    private async ValueTask<List<(int First, byte[]? Key)>> LookAsync(int index, int shard, int[] rows)
    {
        var entries = rows.Select(row => proposed.Entries[index][row]!).ToList();
        var lines = await UniqueCall.ReadAsync(
            session,
            shard,
            static support => $"SELECT * FROM {support.Schema}.{UniqueSupport.Prefix}look($1, $2, $3, $4)",
            support =>
            [
                support.Secret, proposed.Conflict.Indexes[index].Id,
                UniqueCall.Array([.. entries.Select(static entry => entry.SignedHash)]), UniqueCall.Array([.. entries.Select(static entry => entry.Text)]),
            ]);
        return [.. lines.Select(static line => Encoding.ASCII.GetString(line).Split(' ')).Select(static parts =>
            (int.Parse(parts[0], CultureInfo.InvariantCulture) - 1, parts[1].Length == 0 ? null : Convert.FromBase64String(parts[1])))];
    }

    /// <summary>The shards of the rows that have the entries found; null where there is none.</summary>
    private async ValueTask<int?[]> PlacesAsync(List<(int First, byte[]? Key)> found)
    {
        var places = new int?[found.Count];
        int[] there = [.. Enumerable.Range(0, found.Count).Where(at => found[at].Key is not null)];
        if (there.Length == 0)
            return places;
        // A key does not say alone where a row of a zone is.
        var keyType = proposed.Conflict.KeyType;
        var shards = keyType.Zones is null ? await NewKeys.ShardsAsync(session, keyType, new StoredColumn(keyType.Oid, [.. there.Select(at => found[at].Key)]), zone: null) : null;
        for (var at = 0; at < there.Length; at++)
            places[there[at]] = shards?[at] ?? AnyShard;
        return places;
    }

    /// <summary>Locks the rows in conflict, so that they are there when the statement comes to them.</summary>
    /// <returns>Whether they all are there.</returns>
    private async ValueTask<bool> HoldAsync(int index, int[] rows, int?[] places, Dictionary<int, int> targets)
    {
        for (var shard = 0; shard < session.Database.ShardCount; shard++)
        {
            int[] here = [.. Enumerable.Range(0, rows.Length).Where(at => places[at] == shard || places[at] == AnyShard)];
            if (here.Length == 0)
                continue;
            var answers = await UniqueCall.ReadAsync(
                session,
                shard,
                static support => $"SELECT * FROM {support.Schema}.{UniqueSupport.Prefix}hold($1, $2, $3, $4)",
                support => [support.Secret, proposed.Conflict.Indexes[index].Id, UniqueCall.Array([.. here.Select(at => proposed.Entries[index][rows[at]]!.Text)]), Strength]);
            for (var answer = 0; answer < here.Length; answer++)
            {
                var at = here[answer];
                var isHere = answers[answer] is [(byte)'t'];
                if (isHere && places[at] == AnyShard)
                {
                    places[at] = shard;
                    targets[rows[at]] = shard;
                }
                else if (!isHere && places[at] == shard)
                {
                    return false;
                }
            }
        }
        return !places.Contains(AnyShard);
    }

    private string Strength => proposed.Conflict switch
    {
        { SetsKeys: true } => "update",
        { Updates: true } => "change",
        _ => "keep",
    };
}

/// <param name="Shards">For each row in question.</param>
/// <param name="HasTwins">Two of the rows have the same values.</param>
internal sealed record Destinations(IReadOnlyList<int> Shards, bool HasTwins);
