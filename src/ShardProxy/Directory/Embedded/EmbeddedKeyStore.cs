using Microsoft.Data.Sqlite;
using ShardProxy.Directory.Lookup;

namespace ShardProxy.Directory.Embedded;

/// <summary>The places of keys in the embedded store's file: it forgets nothing, so it is of one epoch for ever.</summary>
internal sealed class EmbeddedKeyStore(EmbeddedDirectoryStore store) : IKeyStore
{
    private const string Epoch = "embedded";

    public ValueTask<KeyAnswers> FindAsync(string database, string group, IReadOnlyList<byte[]> keys, CancellationToken cancel) =>
        store.RunAsync(
            transaction =>
            {
                using var find = Find(transaction, database, group);
                return new KeyAnswers(Epoch, [.. keys.Select(key => SlotOf(find, key))]);
            },
            cancel);

    public ValueTask<KeyAnswers> PlaceAsync(
        string database, string group, IReadOnlyList<KeyProposal> keys, int slots, string epoch, CancellationToken cancel) =>
        store.RunAsync(
            transaction =>
            {
                using var find = Find(transaction, database, group);
                var counts = ReadCounts(transaction, database, group, slots);
                var answers = new int[keys.Count];
                for (var index = 0; index < answers.Length; index++)
                {
                    answers[index] = SlotOf(find, keys[index].Key);
                    if (answers[index] >= 0)
                        continue;
                    var slot = keys[index].Slot >= 0 ? keys[index].Slot : Fewest(counts, keys[index].Among);
                    EmbeddedRows.Execute(
                        transaction, "INSERT INTO key_place (database, key_group, key, slot) VALUES ($1, $2, $3, $4)", database, group, keys[index].Key, slot);
                    Count(transaction, database, group, slot, 1);
                    if (slot < counts.Length)
                        counts[slot]++;
                    answers[index] = slot;
                }
                return new KeyAnswers(Epoch, answers);
            },
            cancel);

    public ValueTask<bool> MoveAsync(string database, string group, byte[] key, int from, int to, CancellationToken cancel) =>
        store.RunAsync(
            transaction =>
            {
                using var find = Find(transaction, database, group);
                var at = SlotOf(find, key);
                if (at != from)
                    return at == to;
                EmbeddedRows.Execute(
                    transaction, "UPDATE key_place SET slot = $4 WHERE database = $1 AND key_group = $2 AND key = $3", database, group, key, to);
                Count(transaction, database, group, from, -1);
                Count(transaction, database, group, to, 1);
                return true;
            },
            cancel);

    public ValueTask<IReadOnlyList<long>> CountAsync(string database, string group, int slots, CancellationToken cancel) =>
        store.RunAsync<IReadOnlyList<long>>(transaction => ReadCounts(transaction, database, group, slots), cancel);

    public async ValueTask ForgetAsync(string database, IReadOnlyCollection<string> live, CancellationToken cancel) =>
        await store.RunAsync(
            transaction =>
            {
                foreach (var group in EmbeddedRows.ReadTexts(transaction, "SELECT DISTINCT key_group FROM key_count WHERE database = $1", database))
                {
                    if (live.Contains(group, StringComparer.Ordinal))
                        continue;
                    EmbeddedRows.Execute(transaction, "DELETE FROM key_place WHERE database = $1 AND key_group = $2", database, group);
                    EmbeddedRows.Execute(transaction, "DELETE FROM key_count WHERE database = $1 AND key_group = $2", database, group);
                }
                return true;
            },
            cancel);

    private static int Fewest(long[] counts, IReadOnlyList<int>? among) =>
        (among ?? Enumerable.Range(0, counts.Length)).MinBy(slot => counts[slot]);

    private static SqliteCommand Find(SqliteTransaction transaction, string database, string group) =>
        EmbeddedRows.Command(transaction, "SELECT slot FROM key_place WHERE database = $1 AND key_group = $2 AND key = $3", database, group, Array.Empty<byte>());

    private static int SlotOf(SqliteCommand find, byte[] key)
    {
        find.Parameters[^1].Value = key;
        return find.ExecuteScalar() is long slot ? (int)slot : -1;
    }

    private static long[] ReadCounts(SqliteTransaction transaction, string database, string group, int slots)
    {
        var counts = new long[slots];
        using var command = EmbeddedRows.Command(transaction, "SELECT slot, keys FROM key_count WHERE database = $1 AND key_group = $2", database, group);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            if (reader.GetInt32(0) < slots)
                counts[reader.GetInt32(0)] = reader.GetInt64(1);
        }
        return counts;
    }

    private static void Count(SqliteTransaction transaction, string database, string group, int slot, int more) =>
        EmbeddedRows.Execute(
            transaction,
            """
            INSERT INTO key_count (database, key_group, slot, keys) VALUES ($1, $2, $3, $4)
            ON CONFLICT (database, key_group, slot) DO UPDATE SET keys = keys + excluded.keys
            """,
            database, group, slot, more);
}
