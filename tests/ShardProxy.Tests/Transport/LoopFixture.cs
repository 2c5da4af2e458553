using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Configuration;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

/// <summary>Two running loops of one engine, stopped after the tests of a class. The contract of a loop and its connections is one for all engines, so each such class runs with each of them.</summary>
public abstract class LoopFixture(TransportEngine engine) : IAsyncLifetime
{
    public TransportEngine Engine => engine;

    public EventLoopGroup Group { get; } = new(new TransportConfig(engine, 2, SessionPlacement.Fixed), NullLogger.Instance);

    public EventLoop Loop => Group[0];

    public EventLoop OtherLoop => Group[1];

    public EventLoopGroup OneMore(Microsoft.Extensions.Logging.ILogger? logger = null) => new(new TransportConfig(engine, 1), logger ?? NullLogger.Instance);

    public Task InitializeAsync() => Group.StartAsync();

    public async Task DisposeAsync() => await Group.DisposeAsync();
}

public sealed class EpollLoops() : LoopFixture(TransportEngine.Epoll);

public sealed class UringLoops() : LoopFixture(TransportEngine.Uring);

public sealed class SocketsLoops() : LoopFixture(TransportEngine.Sockets);
