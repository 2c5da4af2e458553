using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Configuration;
using ShardProxy.Transport;
using ShardProxy.Transport.Uring;

namespace ShardProxy.Tests.Transport;

public sealed class LoopFactoryTests
{
    [Theory]
    [InlineData(TransportEngine.Epoll)]
    [InlineData(TransportEngine.Sockets)]
    public async Task The_engine_asked_for_is_taken(TransportEngine engine)
    {
        await using var group = new EventLoopGroup(new TransportConfig(engine, 3), NullLogger.Instance);
        group.Engine.ShouldBe(engine);
        group.Count.ShouldBe(3);
    }

    [Fact]
    public async Task Auto_takes_what_runs()
    {
        await using var group = new EventLoopGroup(TransportConfig.Default, NullLogger.Instance);
        group.Engine.ShouldNotBe(TransportEngine.Auto);
        group.Count.ShouldBe(Environment.ProcessorCount);
    }

    [Theory]
    [InlineData(38, "ENOSYS")]
    [InlineData(22, "6.0 is needed")]
    [InlineData(12, "Cannot allocate memory")]
    public void What_keeps_io_uring_away_is_said(int error, string expected) =>
        UringUnavailableException.Of(error).Message.ShouldContain(expected);
}
