using System.Globalization;
using System.Text;
using System.Threading.Channels;

namespace ShardProxy.Diagnostics;

/// <summary>
/// Lines on their way to the log. Adding never waits: a reader that is slow or stuck (a full pipe behind standard error)
/// costs lines, which are counted and confessed to, and never the event loops' time.
/// </summary>
internal sealed class LogQueue : IAsyncDisposable
{
    /// <summary>About 1 MB of lines of common length: seconds of an error storm, not minutes of memory.</summary>
    public const int DefaultCapacity = 8192;

    // How long the end of the process waits for a reader that does not read.
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(2);

    private readonly Channel<byte[]> _lines;
    private readonly Stream _output;
    private readonly TimeProvider _time;
    private readonly Task _writer;
    private long _dropped;

    public LogQueue(Stream output, TimeProvider time, int capacity = DefaultCapacity)
    {
        _output = output;
        _time = time;
        _lines = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>Lines lost since the start because the queue was full.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public void Add(byte[] line)
    {
        if (!_lines.Writer.TryWrite(line))
            Interlocked.Increment(ref _dropped);
    }

    /// <summary>Writes what is queued, for a bounded time.</summary>
    public async ValueTask DisposeAsync()
    {
        _lines.Writer.TryComplete();
        await Task.WhenAny(_writer, Task.Delay(FlushLimit, _time));
    }

    private async Task WriteAsync()
    {
        long confessed = 0;
        try
        {
            while (await _lines.Reader.WaitToReadAsync())
            {
                while (_lines.Reader.TryRead(out var line))
                    await _output.WriteAsync(line);
                if (Dropped is var dropped && dropped != confessed)
                {
                    await _output.WriteAsync(LossOf(dropped - confessed));
                    confessed = dropped;
                }
                await _output.FlushAsync();
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Nobody reads the log any more, and there is nowhere else to say so: later lines are dropped and counted.
            _lines.Writer.TryComplete();
        }
    }

    private byte[] LossOf(long lines) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"{_time.GetUtcNow():yyyy-MM-ddTHH:mm:ss.fffZ} warning {lines} log lines were lost: they came faster than they could be written.\n"));
}
