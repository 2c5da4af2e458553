using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Diagnostics;
using ShardProxy.Statements;

namespace ShardProxy.Sessions;

/// <summary>
/// The slow-query log (log.slow_query), for all sessions. It costs a look at the clock per statement while it is on and
/// a read of a field while it is off. Thread-safe.
/// </summary>
public sealed class SlowStatements(ILogger logger)
{
    private long _threshold;

    /// <summary>Logs nothing.</summary>
    public static SlowStatements Off { get; } = new(NullLogger.Instance);

    /// <summary>Zero switches it off. Set at the start and by a reload.</summary>
    public TimeSpan Threshold
    {
        set => Volatile.Write(ref _threshold, (long)(value.TotalSeconds * Stopwatch.Frequency));
    }

    public bool IsOn => Volatile.Read(ref _threshold) != 0;

    /// <summary>The time now, to be handed to <see cref="IsSlow"/>; 0 while it is off.</summary>
    public long Start() => Volatile.Read(ref _threshold) == 0 ? 0 : Stopwatch.GetTimestamp();

    public bool IsSlow(long start) =>
        start != 0 && Volatile.Read(ref _threshold) is > 0 and var threshold && Stopwatch.GetTimestamp() - start >= threshold;

    /// <param name="shard">-1 when it was not one shard.</param>
    /// <param name="scanner">Has just read the statement.</param>
    public void Report(Session session, long start, string verb, int shard, ShapeScanner scanner) => LogStatements.SlowQuery(
        logger,
        verb,
        Math.Round(Stopwatch.GetElapsedTime(start).TotalMilliseconds, 1),
        session.Database.ShardName(shard),
        session.Identity.User,
        session.Database.Config.Name,
        ShapeText.Render(scanner));

    public void Report(Session session, long start, string verb, int shard, ReadOnlySpan<byte> sql)
    {
        var scanner = new ShapeScanner();
        scanner.Scan(sql, session.StandardConformingStrings);
        Report(session, start, verb, shard, scanner);
    }
}
