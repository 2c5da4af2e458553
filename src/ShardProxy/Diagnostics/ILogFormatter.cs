using System.Buffers;
using Microsoft.Extensions.Logging;

namespace ShardProxy.Diagnostics;

/// <summary>Writes one record as one line of UTF-8, its line feed included. Called on whichever thread logs.</summary>
internal interface ILogFormatter
{
    void Write<TState>(IBufferWriter<byte> output, in LogRecord<TState> record);
}

/// <param name="Time">UTC.</param>
internal readonly record struct LogRecord<TState>(
    DateTimeOffset Time,
    LogLevel Level,
    EventId Event,
    string Category,
    TState State,
    Exception? Exception,
    string Message);
