using System.CommandLine;
using System.CommandLine.Invocation;

namespace ShardProxy.CommandLine;

/// <summary>The program's commands.</summary>
internal static class RootCommandLine
{
    public static async Task<int> RunAsync(string[] arguments, ProxyServerFactory factory)
    {
        var root = new RootCommand("ShardProxy: one PostgreSQL database to its clients, many servers behind it.")
        {
            ServeCommand.Create(factory),
            CheckCommand.Create(),
            EmbeddedCommand.Create(factory),
        };
        var result = root.Parse(arguments);
        if (result.Action is ParseErrorAction errors)
            errors.ShowHelp = false;
        // Signals are the commands' own affair: serve drains at the first and stops at the second.
        return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }
}
