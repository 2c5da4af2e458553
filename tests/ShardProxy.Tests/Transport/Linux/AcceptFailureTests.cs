using ShardProxy.Transport.Linux;

namespace ShardProxy.Tests.Transport.Linux;

public sealed class AcceptFailureTests
{
    [Theory]
    [InlineData(11, "None")] // EAGAIN
    [InlineData(24, "BackOff")] // EMFILE
    [InlineData(23, "BackOff")] // ENFILE
    [InlineData(105, "BackOff")] // ENOBUFS
    [InlineData(12, "BackOff")] // ENOMEM
    [InlineData(103, "TryNext")] // ECONNABORTED
    [InlineData(4, "TryNext")] // EINTR
    [InlineData(71, "TryNext")] // EPROTO
    public void Errors_are_sorted_as_the_manual_says(int error, string expected) =>
        AcceptFailures.Of(error).ToString().ShouldBe(expected);
}
