using System.CommandLine;

namespace ShardProxy.CommandLine;

/// <summary><c>--config FILE</c>, which serve and check share.</summary>
internal static class ConfigOption
{
    public static Option<string> Create() => new("--config", "-c")
    {
        Description = "The configuration file.",
        HelpName = "FILE",
        DefaultValueFactory = static _ => "shardproxy.yaml",
    };
}
