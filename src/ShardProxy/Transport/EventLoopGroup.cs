using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;

namespace ShardProxy.Transport;

/// <summary>The proxy's loops, one thread each, all of one engine.</summary>
public sealed class EventLoopGroup : IAsyncDisposable
{
    private readonly ThreadLoop[] _loops;
    private int _next = -1;
    private readonly bool _prefersFirst;
    private bool _started;

    /// <param name="config">0 loops are one per processor. The engine that was taken is logged, and why a better one was not.</param>
    /// <exception cref="EngineUnavailableException">The engine asked for cannot run here.</exception>
    public EventLoopGroup(TransportConfig config, ILogger logger)
    {
        _loops = LoopFactory.Create(config.Engine, config.Loops > 0 ? config.Loops : Environment.ProcessorCount, logger, out var engine);
        Engine = engine;
        foreach (var loop in _loops)
        {
            if (ReliefOf(config.Placement, loop.Index) is { } relief)
                loop.RelieveBy(relief);
        }
        _prefersFirst = config.Placement == SessionPlacement.Auto && ReliefOf(config.Placement, 0) is not null;
    }

    /// <summary>What serves the sockets; never <see cref="TransportEngine.Auto"/>.</summary>
    public TransportEngine Engine { get; }

    public int Count => _loops.Length;

    public EventLoop this[int index] => _loops[index];

    /// <summary>The loops in turn. Any thread.</summary>
    public EventLoop Next() => NextLoop();

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

    internal ThreadLoop Loop(int index) => _loops[index];

    /// <summary>
    /// Where a new client begins: the first loop that is not busy, where most sessions live, as <see cref="LoadRelief"/> has it; it need
    /// not move then, which would cost a short session more than a statement. Any thread.
    /// </summary>
    internal ThreadLoop LoopForClient()
    {
        if (!_prefersFirst)
            return NextLoop();
        var now = Environment.TickCount64;
        foreach (var loop in _loops)
        {
            if (loop.LoadAt(now) < LoadRelief.Busy)
                return loop;
        }
        return NextLoop();
    }

    internal ThreadLoop NextLoop() => _loops[(uint)Interlocked.Increment(ref _next) % (uint)_loops.Length];

    private IRelief? ReliefOf(SessionPlacement placement, int index) => placement switch
    {
        SessionPlacement.Restless => new RestlessRelief(_loops, index),
        SessionPlacement.Auto when _loops.Length > 1 && LoopLoad.IsMeasurable && Engine != TransportEngine.Sockets => new LoadRelief(_loops, index),
        _ => null,
    };
}
