using ShardProxy.Statements;

namespace ShardProxy.Tests.Statements;

public sealed class ClockWordsTests
{
    [Theory]
    [InlineData("now")]
    [InlineData("  ToDay\t")]
    [InlineData("today 12:00")]
    [InlineData("12:00 tomorrow")]
    [InlineData("yesterday12:00")]
    [InlineData("[today,tomorrow)")]
    [InlineData("{\"NOW\",2020-01-01}")]
    public void A_moment(string text) => ClockWords.AreIn(text).ShouldBeTrue();

    [Theory]
    [InlineData("")]
    [InlineData("snow")]
    [InlineData("nowhere")]
    [InlineData("todays")]
    [InlineData("allballs")]
    [InlineData("2024-01-01 12:00 epoch infinity")]
    public void None(string text) => ClockWords.AreIn(text).ShouldBeFalse();
}
