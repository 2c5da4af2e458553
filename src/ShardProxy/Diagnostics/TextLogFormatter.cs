using System.Buffers;
using System.Globalization;
using System.Text;

namespace ShardProxy.Diagnostics;

/// <summary>For people: <c>2026-11-21T22:10:00.123Z information Listening on 127.0.0.1:6432.</c></summary>
internal sealed class TextLogFormatter : ILogFormatter
{
    public void Write<TState>(IBufferWriter<byte> output, in LogRecord<TState> record)
    {
        var line = new StringBuilder(128);
        line.Append(CultureInfo.InvariantCulture, $"{record.Time:yyyy-MM-ddTHH:mm:ss.fffZ} {LogLevelName.Of(record.Level)} ");
        AppendOneLine(line, record.Message);
        if (record.Exception is not null)
        {
            line.Append(" | ");
            AppendOneLine(line, record.Exception.ToString());
        }
        line.Append('\n');
        foreach (var chunk in line.GetChunks())
            Encoding.UTF8.GetBytes(chunk.Span, output);
    }

    // What clients send ends up in messages: a line feed in it must not look like a record of its own.
    private static void AppendOneLine(StringBuilder line, string text)
    {
        foreach (var c in text)
        {
            if (c == '\n')
                line.Append("\\n");
            else if (char.IsControl(c))
                line.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else
                line.Append(c);
        }
    }
}
