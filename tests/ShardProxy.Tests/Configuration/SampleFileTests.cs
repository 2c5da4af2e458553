using ShardProxy.Configuration;
using ShardProxy.Tests.Architecture;

namespace ShardProxy.Tests.Configuration;

/// <summary>The configuration files in the repository are right.</summary>
public sealed class SampleFileTests
{
    [Theory]
    [InlineData("shardproxy.yaml")]
    [InlineData("docker/shardproxy.yaml")]
    public async Task Loads(string file)
    {
        var path = Path.Combine(SourceTree.Root, file);

        var config = ConfigurationLoader.Parse(await File.ReadAllTextAsync(path), path, static name => name == "APP_PASSWORD" ? "x" : null);

        config.Databases.ShouldHaveSingleItem().Shards.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Sample_shows_the_defaults()
    {
        var path = Path.Combine(SourceTree.Root, "shardproxy.yaml");

        var config = ConfigurationLoader.Parse(await File.ReadAllTextAsync(path), path, static _ => null);

        config.Limits.ShouldBe(LimitsConfig.Default);
        config.Log.ShouldBe(new LogConfig(LogFormat.Text, "information", TimeSpan.Zero));
    }
}
