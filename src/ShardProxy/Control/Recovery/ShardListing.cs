using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Recovery;

/// <summary>Asks one shard again and again what stands prepared there; one that does not answer is asked more and more seldom.</summary>
internal sealed class ShardListing(RecoveryShard shard, TimeProvider clock)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(4);

    /// <summary>A question that takes longer goes on, and another is asked when it has ended.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private Task<List<PreparedPart>> _reading = Task.FromResult<List<PreparedPart>>([]);
    private TimeSpan _pause;
    private long _failedAt;

    public RecoveryShard Shard => shard;

    /// <summary>Why the shard did not answer last; null when it did.</summary>
    public string? Failure { get; private set; }

    /// <summary>Null when it did not answer, or is not asked yet again.</summary>
    public async Task<List<PreparedPart>?> ReadAsync(string cluster, CancellationToken cancel)
    {
        if (Failure is not null && clock.GetElapsedTime(_failedAt) < _pause)
            return null;
        try
        {
            // The answer to an earlier question would be out of date.
            await WithinPatienceAsync(_reading, cancel);
            _reading = shard.RunAsync((connection, token) => PreparedPart.FindAsync(connection, cluster, token), cancel);
            await WithinPatienceAsync(_reading, cancel);
            var parts = await _reading;
            Failure = null;
            _pause = TimeSpan.Zero;
            return parts;
        }
        catch (SqlException exception)
        {
            Failure = exception.Message;
            _failedAt = clock.GetTimestamp();
            _pause = _pause == TimeSpan.Zero ? FirstPause : TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, LongestPause.Ticks));
            return null;
        }
    }

    // A shard that is silent must not keep the others' transactions waiting.
    private async Task WithinPatienceAsync(Task reading, CancellationToken cancel)
    {
        if (!reading.IsCompleted)
            await Task.WhenAny(reading, Task.Delay(Patience, clock, cancel));
        if (!reading.IsCompleted)
            throw new SqlException(SqlStates.CannotConnect, $"shard \"{shard.Name}\" does not answer");
    }
}
