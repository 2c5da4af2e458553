namespace ShardProxy.Directory.Redis;

/// <summary>
/// Each script is one atomic step in Redis, so that a proxy that dies leaves either nothing or all of it. The keys of a
/// script share a hash tag, and so a slot of a Redis Cluster.
/// </summary>
internal static class RedisScripts
{
    /// <summary>KEYS database, history. ARGV revision, content, entry, channel. Returns 1, or 0 when it is there.</summary>
    public const string Create = """
        if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
        redis.call('HSET', KEYS[1], 'version', 1, 'revision', ARGV[1], 'content', ARGV[2])
        redis.call('LPUSH', KEYS[2], ARGV[3])
        redis.call('PUBLISH', ARGV[4], 'changed')
        return 1
        """;

    /// <summary>KEYS database. The clock of the very server that a change will run on: seconds and microseconds.</summary>
    public const string Time = "return redis.call('TIME')";

    /// <summary>
    /// KEYS database, history. ARGV expected version, expected revision, new version, new revision, content, entry, channel,
    /// deadline (by this server's clock, in ms). Returns 0 when done (also when an earlier try of the same change had done
    /// it), -1 when the database is not there, -2 after the deadline, else the version that it is at.
    /// </summary>
    public const string Change = """
        local at = redis.call('HMGET', KEYS[1], 'version', 'revision')
        if not at[1] then return -1 end
        if at[2] == ARGV[4] then return 0 end
        if at[1] ~= ARGV[1] or at[2] ~= ARGV[2] then return tonumber(at[1]) end
        local now = redis.call('TIME')
        if now[1] * 1000 + math.floor(now[2] / 1000) > tonumber(ARGV[8]) then return -2 end
        redis.call('HSET', KEYS[1], 'version', ARGV[3], 'revision', ARGV[4], 'content', ARGV[5])
        redis.call('LPUSH', KEYS[2], ARGV[6])
        redis.call('LTRIM', KEYS[2], 0, 9999)
        redis.call('PUBLISH', ARGV[7], 'changed')
        return 0
        """;

    /// <summary>KEYS database, history, cluster. ARGV version, revision, content, entry, cluster, channel. Returns 1, or 0 when what is there is as new.</summary>
    public const string Restore = """
        local at = redis.call('HGET', KEYS[1], 'version')
        if at and tonumber(at) >= tonumber(ARGV[1]) then return 0 end
        redis.call('SET', KEYS[3], ARGV[5])
        redis.call('HSET', KEYS[1], 'version', ARGV[1], 'revision', ARGV[2], 'content', ARGV[3])
        redis.call('LPUSH', KEYS[2], ARGV[4])
        redis.call('PUBLISH', ARGV[6], 'changed')
        return 1
        """;

    /// <summary>KEYS database, proxies. ARGV id, report, lease in ms. Returns version and revision.</summary>
    public const string Report = """
        local now = redis.call('TIME')
        local ends = now[1] * 1000 + math.floor(now[2] / 1000) + tonumber(ARGV[3])
        redis.call('HSET', KEYS[2], ARGV[1], string.format('%d', ends) .. ' ' .. ARGV[2])
        return redis.call('HMGET', KEYS[1], 'version', 'revision')
        """;

    /// <summary>KEYS proxies. Drops those whose lease has ended, and returns the others: end in ms, a blank, report.</summary>
    public const string Proxies = """
        local now = redis.call('TIME')
        local at = now[1] * 1000 + math.floor(now[2] / 1000)
        local all = redis.call('HGETALL', KEYS[1])
        local live = {}
        for i = 1, #all, 2 do
          if tonumber(string.match(all[i + 1], '^%d+')) > at then
            live[#live + 1] = all[i + 1]
          else
            redis.call('HDEL', KEYS[1], all[i])
          end
        end
        return live
        """;
}
