namespace ShardProxy.Directory.Redis;

/// <summary>The steps of <see cref="RedisKeyStore"/>, each atomic in Redis. All keys of a script share a hash tag.</summary>
internal static class RedisKeyScripts
{
    /// <summary>Sets epoch, from KEYS[1] and a new name in ARGV[1] for a server that has none.</summary>
    private const string Epoch = """
        redis.call('SET', KEYS[1], ARGV[1], 'NX')
        local epoch = redis.call('GET', KEYS[1]) .. ':' .. (string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') or '')

        """;

    /// <summary>KEYS epoch, places. ARGV new name, keys. Returns the epoch, then a slot for each key, -1 for none.</summary>
    public const string Find = Epoch + """
        local answer = {epoch}
        for i = 2, #ARGV do
          answer[i] = tonumber(redis.call('HGET', KEYS[2], ARGV[i]) or '-1')
        end
        return answer
        """;

    /// <summary>
    /// KEYS epoch, places, counts, groups. ARGV new name, expected epoch, number of slots, group, then key, proposed slot and
    /// the slots of which the one with the fewest keys is taken if that is negative (none: of all) in turn. Returns the epoch and the slots as they are now; the epoch alone when it is another.
    /// </summary>
    public const string Place = Epoch + """
        local answer = {epoch}
        if ARGV[2] ~= epoch then return answer end
        redis.call('SADD', KEYS[4], ARGV[4])
        local counts = {}
        for slot = 0, tonumber(ARGV[3]) - 1 do
          counts[slot] = tonumber(redis.call('HGET', KEYS[3], slot) or '0')
        end
        for i = 5, #ARGV, 3 do
          local slot = tonumber(redis.call('HGET', KEYS[2], ARGV[i]) or '-1')
          if slot < 0 then
            slot = tonumber(ARGV[i + 1])
            if slot < 0 then
              local among = {}
              for other in string.gmatch(ARGV[i + 2], '%d+') do
                among[#among + 1] = tonumber(other)
              end
              if #among == 0 then
                for other = 0, tonumber(ARGV[3]) - 1 do among[#among + 1] = other end
              end
              slot = among[1]
              for _, other in ipairs(among) do
                if (counts[other] or 0) < (counts[slot] or 0) then slot = other end
              end
            end
            redis.call('HSET', KEYS[2], ARGV[i], slot)
            redis.call('HINCRBY', KEYS[3], slot, 1)
            counts[slot] = (counts[slot] or 0) + 1
          end
          answer[#answer + 1] = slot
        end
        return answer
        """;

    /// <summary>KEYS places, counts. ARGV key, from, to. Returns 1 when the key is at the second now, else 0.</summary>
    public const string Move = """
        local at = redis.call('HGET', KEYS[1], ARGV[1])
        if at == ARGV[3] then return 1 end
        if at ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
        redis.call('HINCRBY', KEYS[2], ARGV[2], -1)
        redis.call('HINCRBY', KEYS[2], ARGV[3], 1)
        return 1
        """;

    /// <summary>KEYS places, counts, groups. ARGV group.</summary>
    public const string Forget = """
        redis.call('UNLINK', KEYS[1], KEYS[2])
        redis.call('SREM', KEYS[3], ARGV[1])
        return 0
        """;
}
