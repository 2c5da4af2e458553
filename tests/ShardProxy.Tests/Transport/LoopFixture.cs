using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

/// <summary>Two running loops, stopped after the tests of a class.</summary>
public sealed class LoopFixture : IAsyncLifetime
{
    public EventLoopGroup Group { get; } = new(2, NullLogger.Instance);

    public EventLoop Loop => Group[0];

    public EventLoop OtherLoop => Group[1];

    public Task InitializeAsync() => Group.StartAsync();

    public async Task DisposeAsync() => await Group.DisposeAsync();
}
