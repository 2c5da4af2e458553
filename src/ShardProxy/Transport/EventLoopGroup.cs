using Microsoft.Extensions.Logging;
using ShardProxy.Transport.Epoll;

namespace ShardProxy.Transport;

/// <summary>The proxy's loops, one thread each.</summary>
public sealed class EventLoopGroup : IAsyncDisposable
{
    private readonly EpollEventLoop[] _loops;
    private int _next = -1;
    private bool _started;

    /// <param name="count">Number of loops; one per processor when 0.</param>
    /// <exception cref="PlatformNotSupportedException">On systems other than Linux.</exception>
    public EventLoopGroup(int count, ILogger logger)
    {
        _loops = new EpollEventLoop[count > 0 ? count : Environment.ProcessorCount];
        for (var i = 0; i < _loops.Length; i++)
            _loops[i] = new EpollEventLoop(i, logger);
    }

    public int Count => _loops.Length;

    public EventLoop this[int index] => _loops[index];

    /// <summary>The loops in turn. Any thread.</summary>
    public EventLoop Next() => _loops[(uint)Interlocked.Increment(ref _next) % (uint)_loops.Length];

    public Task StartAsync()
    {
        if (!_started)
        {
            _started = true;
            foreach (var loop in _loops)
                loop.Start();
        }
        return Task.CompletedTask;
    }

    /// <summary>Stops all loops and closes the connections that are still bound to them; end the sessions before.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Array.ConvertAll(_loops, static loop => loop.StopAsync()));
    }
}
