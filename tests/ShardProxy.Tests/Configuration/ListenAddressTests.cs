using ShardProxy.Configuration;

namespace ShardProxy.Tests.Configuration;

public sealed class ListenAddressTests
{
    [Theory]
    [InlineData("127.0.0.1:6432", "127.0.0.1", 6432)]
    [InlineData("*:1", "*", 1)]
    [InlineData("localhost:0", "localhost", 0)]
    [InlineData("[::1]:65535", "::1", 65535)]
    public void Reads(string text, string host, int port)
    {
        ListenAddress.TryParse(text).ShouldBe(new ListenAddress(host, port));
        new ListenAddress(host, port).ToString().ShouldBe(text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("6432")]
    [InlineData(":6432")]
    [InlineData("host")]
    [InlineData("host:")]
    [InlineData("host:65536")]
    [InlineData("host:-1")]
    [InlineData("::1:5432")]
    [InlineData("[host]:5432")]
    [InlineData("a b:5432")]
    public void Refuses(string text) => ListenAddress.TryParse(text).ShouldBeNull();
}
