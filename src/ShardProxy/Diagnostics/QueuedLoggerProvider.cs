using System.Buffers;
using Microsoft.Extensions.Logging;

namespace ShardProxy.Diagnostics;

/// <summary>Loggers that format in place and leave writing to a <see cref="LogQueue"/>.</summary>
internal sealed class QueuedLoggerProvider(LogQueue queue, ILogFormatter formatter, LogLevelSwitch level, TimeProvider time) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new QueuedLogger(this, categoryName);

    public void Dispose()
    {
        // The queue outlives the loggers; LoggingSetup, which made it, ends it.
    }

    private void Log<TState>(in LogRecord<TState> record)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        formatter.Write(buffer, record);
        queue.Add(buffer.WrittenSpan.ToArray());
    }

    private sealed class QueuedLogger(QueuedLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => provider.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (provider.IsEnabled(logLevel))
                provider.Log(new LogRecord<TState>(provider.Now, logLevel, eventId, category, state, exception, formatter(state, exception)));
        }
    }

    private DateTimeOffset Now => time.GetUtcNow();

    private bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && logLevel >= level.Minimum;
}
