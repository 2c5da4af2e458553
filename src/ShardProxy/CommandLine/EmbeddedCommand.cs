using System.CommandLine;
using ShardProxy.Configuration;
using ShardProxy.Control.Embedded;
using ShardProxy.Diagnostics;

namespace ShardProxy.CommandLine;

/// <summary><c>shardproxy embedded</c>: a whole cluster on this machine, servers and sample data included, until it is told to end.</summary>
internal static class EmbeddedCommand
{
    private const int DefaultPort = 6432;

    public static Command Create(ProxyServerFactory factory)
    {
        var shards = new Option<int?>("--shards") { Description = "How many PostgreSQL servers (2 in a new cluster).", HelpName = "N" };
        var port = new Option<int>("--port") { Description = "Where the proxy listens on 127.0.0.1.", HelpName = "P", DefaultValueFactory = static _ => DefaultPort };
        var data = new Option<string>("--data") { Description = "The cluster's folder.", HelpName = "DIR", DefaultValueFactory = static _ => ".shardproxy" };
        var reset = new Option<bool>("--reset") { Description = "Delete the cluster that the folder holds and make a new one." };
        shards.Validators.Add(static result => RequireRange(result, 1, EmbeddedOptions.MaximumShards));
        port.Validators.Add(static result => RequireRange(result, 1, ushort.MaxValue));
        var command = new Command("embedded", "Run a cluster on this machine: PostgreSQL servers, the proxy, and a sample shop.") { shards, port, data, reset };
        command.SetAction((result, _) => RunAsync(
            new EmbeddedOptions(result.GetValue(shards), result.GetValue(port), Path.GetFullPath(result.GetRequiredValue(data)), result.GetValue(reset)),
            factory));
        return command;
    }

    private static void RequireRange(System.CommandLine.Parsing.OptionResult result, int minimum, int maximum)
    {
        if (result.Tokens is [var token] && (!int.TryParse(token.Value, out var value) || value < minimum || value > maximum))
            result.AddError($"{result.Option.Name} must be a whole number from {minimum} to {maximum}, not {token.Value}.");
    }

    private static async Task<int> RunAsync(EmbeddedOptions options, ProxyServerFactory factory)
    {
        using var signals = new ProcessSignals(hangUpStops: true);
        try
        {
            await using var cluster = await EmbeddedCluster.OpenAsync(options, TimeProvider.System, signals.Stop);
            var display = StepDisplays.Choose();
            await cluster.StartAsync(options.Port, display, signals.Stop);
            await RunProxyAsync(cluster, options.Port, display, factory, signals);
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
        {
            return ExitCodes.Success;
        }
        catch (Exception exception) when (Describe(exception, options) is not null)
        {
            await Console.Error.WriteLineAsync(Describe(exception, options));
            return ExitCodes.Failure;
        }
    }

    private static async Task RunProxyAsync(EmbeddedCluster cluster, int port, IStepDisplay display, ProxyServerFactory factory, ProcessSignals signals)
    {
        var config = await ConfigurationLoader.LoadAsync(cluster.ConfigurationFile, signals.Stop);
        await using var log = new FileStream(cluster.LogFile, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        await using var logging = new LoggingSetup(config.Log, log, TimeProvider.System);
        await using var server = factory(config, logging.Factory);
        await new ProxyHost(server, config, cluster.ConfigurationFile, logging, signals).RunAsync(async () =>
        {
            if (!cluster.SampleLoaded)
                await display.RunAsync("Loading the sample shop through the proxy", () => cluster.LoadSampleAsync(port, signals.Stop));
            await Console.Out.WriteLineAsync(EmbeddedWelcome.Text(cluster.Url(port), cluster.LogFile));
            _ = ReportLossAsync(cluster, signals.Stop);
        });
    }

    private static async Task ReportLossAsync(EmbeddedCluster cluster, CancellationToken stop)
    {
        var sentence = await cluster.WaitForLossAsync();
        if (!stop.IsCancellationRequested)
            await Console.Error.WriteLineAsync(sentence);
    }

    private static string? Describe(Exception exception, EmbeddedOptions options) => exception switch
    {
        EmbeddedException => exception.Message,
        UnauthorizedAccessException => $"The folder {options.Folder} cannot be used: {exception.Message}",
        IOException => $"The folder {options.Folder} cannot be used: {exception.Message}",
        ConfigurationException => exception.Message,
        _ => StartFailure.Describe(exception, $"127.0.0.1:{options.Port}", "choose another with --port"),
    };
}
