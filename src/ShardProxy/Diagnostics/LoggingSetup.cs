using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;

namespace ShardProxy.Diagnostics;

/// <summary>The process's logging: a factory for loggers and the queue behind it. Disposed last.</summary>
public sealed class LoggingSetup : IAsyncDisposable
{
    private readonly LogLevelSwitch _level;
    private readonly LogQueue _queue;
    private readonly ILoggerFactory _factory;

    public LoggingSetup(LogConfig config, Stream output, TimeProvider time)
    {
        _level = new LogLevelSwitch(LogLevelName.Parse(config.Level));
        _queue = new LogQueue(output, time);
        ILogFormatter formatter = config.Format == LogFormat.Json ? new JsonLogFormatter() : new TextLogFormatter();
        // The factory lets everything through; the switch decides, so that a reload needs no new loggers.
        _factory = LoggerFactory.Create(builder => builder
            .SetMinimumLevel(LogLevel.Trace)
            .AddProvider(new QueuedLoggerProvider(_queue, formatter, _level, time)));
    }

    public ILoggerFactory Factory => _factory;

    /// <summary>Lines lost because they came faster than they could be written.</summary>
    public long DroppedLines => _queue.Dropped;

    /// <summary>Takes over what a reload may change: the level.</summary>
    public void Apply(LogConfig config) => _level.Minimum = LogLevelName.Parse(config.Level);

    public async ValueTask DisposeAsync()
    {
        _factory.Dispose();
        await _queue.DisposeAsync();
    }
}
