using System.CommandLine;
using ShardProxy.Configuration;
using ShardProxy.Diagnostics;

namespace ShardProxy.CommandLine;

/// <summary><c>shardproxy serve</c>: runs the proxy that a file describes until it is told to end.</summary>
internal static class ServeCommand
{
    public static Command Create(ProxyServerFactory factory)
    {
        var file = ConfigOption.Create();
        var command = new Command("serve", "Run the proxy.") { file };
        command.SetAction((result, _) => RunAsync(result.GetRequiredValue(file), factory));
        return command;
    }

    private static async Task<int> RunAsync(string file, ProxyServerFactory factory)
    {
        ProxyConfig config;
        try
        {
            config = await ConfigurationLoader.LoadAsync(file, CancellationToken.None);
        }
        catch (ConfigurationException exception)
        {
            return await CheckCommand.ReportAsync(exception);
        }
        using var signals = new ProcessSignals();
        await using var logging = new LoggingSetup(config.Log, Console.OpenStandardError(), TimeProvider.System);
        try
        {
            await using var server = factory(config, logging.Factory);
            await new ProxyHost(server, config, file, logging, signals).RunAsync();
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            return ExitCodes.Success;
        }
        catch (Exception exception) when (Describe(exception, config) is not null)
        {
            await Console.Error.WriteLineAsync(Describe(exception, config));
            return ExitCodes.Failure;
        }
    }

    private static string? Describe(Exception exception, ProxyConfig config) =>
        StartFailure.Describe(exception, config.Listen.Address, "listen elsewhere (listen.address)");
}
