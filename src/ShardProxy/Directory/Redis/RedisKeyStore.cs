using ShardProxy.Directory.Lookup;
using StackExchange.Redis;

namespace ShardProxy.Directory.Redis;

/// <summary>
/// The places of keys in Redis: for each group a hash of key to slot and one of slot to count. The epoch is the server's
/// run id with a name that the first use leaves there, so it is another after a restart, a fail-over and FLUSHALL.
/// </summary>
internal sealed class RedisKeyStore(RedisConnection connection, RedisKeys names) : IKeyStore
{
    public async ValueTask<KeyAnswers> FindAsync(string database, string group, IReadOnlyList<byte[]> keys, CancellationToken cancel)
    {
        var arguments = new RedisValue[keys.Count + 1];
        arguments[0] = NewName();
        for (var index = 0; index < keys.Count; index++)
            arguments[index + 1] = keys[index];
        return Read(await connection.RunAsync(
            redis => redis.ScriptEvaluateAsync(RedisKeyScripts.Find, [names.Epoch(database), names.Places(database, group)], arguments), cancel));
    }

    public async ValueTask<KeyAnswers> PlaceAsync(
        string database, string group, IReadOnlyList<KeyProposal> keys, int slots, string epoch, CancellationToken cancel)
    {
        const int Fixed = 4;
        const int Each = 3;
        var arguments = new RedisValue[Fixed + (Each * keys.Count)];
        arguments[0] = NewName();
        arguments[1] = epoch;
        arguments[2] = slots;
        arguments[3] = group;
        for (var index = 0; index < keys.Count; index++)
        {
            arguments[Fixed + (Each * index)] = keys[index].Key;
            arguments[Fixed + (Each * index) + 1] = keys[index].Slot;
            arguments[Fixed + (Each * index) + 2] = keys[index].Among is { } among ? string.Join(' ', among) : "";
        }
        return Read(await connection.RunAsync(
            redis => redis.ScriptEvaluateAsync(
                RedisKeyScripts.Place,
                [names.Epoch(database), names.Places(database, group), names.Counts(database, group), names.LookupGroups(database)],
                arguments),
            cancel));
    }

    public async ValueTask<bool> MoveAsync(string database, string group, byte[] key, int from, int to, CancellationToken cancel) =>
        (int)await connection.RunAsync(
            redis => redis.ScriptEvaluateAsync(
                RedisKeyScripts.Move, [names.Places(database, group), names.Counts(database, group)], [key, from, to]),
            cancel) == 1;

    public async ValueTask<IReadOnlyList<long>> CountAsync(string database, string group, int slots, CancellationToken cancel)
    {
        var counts = await connection.RunAsync(
            redis => redis.HashGetAsync(names.Counts(database, group), [.. Enumerable.Range(0, slots).Select(static slot => (RedisValue)slot)]), cancel);
        return [.. counts.Select(static count => count.IsNull ? 0 : (long)count)];
    }

    public async ValueTask ForgetAsync(string database, IReadOnlyCollection<string> live, CancellationToken cancel)
    {
        var known = await connection.RunAsync(redis => redis.SetMembersAsync(names.LookupGroups(database)), cancel);
        foreach (var group in known.Select(static value => (string)value!).Except(live, StringComparer.Ordinal))
        {
            await connection.RunAsync(
                redis => redis.ScriptEvaluateAsync(
                    RedisKeyScripts.Forget, [names.Places(database, group), names.Counts(database, group), names.LookupGroups(database)], [group]),
                cancel);
        }
    }

    private static KeyAnswers Read(RedisResult result)
    {
        var parts = (RedisResult[])result!;
        var slots = new int[parts.Length - 1];
        for (var index = 0; index < slots.Length; index++)
            slots[index] = (int)parts[index + 1];
        return new KeyAnswers((string)parts[0]!, slots);
    }

    private static string NewName() => Guid.NewGuid().ToString("N");
}
