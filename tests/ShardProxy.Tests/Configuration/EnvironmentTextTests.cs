using ShardProxy.Configuration;

namespace ShardProxy.Tests.Configuration;

public sealed class EnvironmentTextTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a${NAME}b", "avalueb")]
    [InlineData("${NAME}${NAME}", "valuevalue")]
    [InlineData("${NONE:-other}", "other")]
    [InlineData("${NONE:-}", "")]
    [InlineData("${EMPTY:-other}", "other")]
    [InlineData("${EMPTY}", "")]
    [InlineData("${NAME:-other}", "value")]
    [InlineData("$$", "$")]
    [InlineData("$${NAME}", "${NAME}")]
    [InlineData("SCRAM-SHA-256$4096:c2FsdA==$a:b", "SCRAM-SHA-256$4096:c2FsdA==$a:b")]
    [InlineData("end$", "end$")]
    [InlineData("${RAW}", "${NAME}$$")]
    public void Fills_in(string text, string expected) =>
        EnvironmentText.Expand(text, Environment, out _).ShouldBe(expected);

    [Theory]
    [InlineData("${NONE}", "NONE")]
    [InlineData("${NAME", "without its }")]
    [InlineData("${}", "does not name")]
    [InlineData("${1A}", "does not name")]
    [InlineData("${a b}", "does not name")]
    public void Refuses(string text, string message)
    {
        EnvironmentText.Expand(text, Environment, out var error).ShouldBeNull();
        error.ShouldNotBeNull().ShouldContain(message);
    }

    private static string? Environment(string name) => name switch
    {
        "NAME" => "value",
        "EMPTY" => "",
        "RAW" => "${NAME}$$",
        _ => null,
    };
}
