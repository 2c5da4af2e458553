using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;
using ShardProxy.Diagnostics;
using ShardProxy.Listening;

namespace ShardProxy.CommandLine;

/// <summary>Takes one server through its life: start, reloads, drain, end.</summary>
internal sealed class ProxyHost(IProxyServer server, ProxyConfig config, string file, LoggingSetup logging, ProcessSignals signals)
{
    private readonly ILogger _logger = logging.Factory.CreateLogger<ProxyHost>();
    private ProxyConfig _config = config;

    /// <param name="onStarted">Runs once clients can connect; a failure of it ends the server too.</param>
    public async Task RunAsync(Func<Task>? onStarted = null)
    {
        server.RequestReload = signals.RequestReload;
        await server.StartAsync(signals.Stop);
        LogProcess.Listening(_logger, ProductVersion.Text, server.EndPoint);
        if (onStarted is not null)
            await onStarted();
        while (!signals.Stop.IsCancellationRequested)
        {
            try
            {
                await signals.WaitForReloadAsync(signals.Stop);
                await ReloadAsync();
            }
            catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
            {
                break;
            }
        }
        await DrainAsync();
        LogProcess.Stopped(_logger);
    }

    private async Task ReloadAsync()
    {
        try
        {
            var changed = await ConfigurationLoader.LoadAsync(file, signals.Stop);
            var outcome = ConfigurationReload.Compare(_config, changed);
            // Also when the text is the same: the certificate files that it names may be new.
            await server.ApplyAsync(outcome.Effective);
            logging.Apply(outcome.Effective.Log);
            _config = outcome.Effective;
            if (outcome.Applied.Count > 0)
                LogConfiguration.Applied(_logger, file, string.Join(", ", outcome.Applied));
            if (outcome.NeedsRestart.Count > 0)
                LogConfiguration.NeedsRestart(_logger, file, string.Join(", ", outcome.NeedsRestart));
            else if (outcome.Applied.Count == 0)
                LogConfiguration.Unchanged(_logger, file);
        }
        catch (ConfigurationException exception)
        {
            foreach (var error in exception.Errors)
                LogConfiguration.Invalid(_logger, error);
            LogConfiguration.ReloadRefused(_logger, file, exception.Errors.Count);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogConfiguration.ReloadFailed(_logger, exception);
        }
    }

    private async Task DrainAsync()
    {
        var limit = _config.Limits.DrainTimeout;
        LogProcess.Draining(_logger, limit.TotalSeconds);
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(signals.StopNow);
        if (limit > TimeSpan.Zero)
            cut.CancelAfter(limit);
        try
        {
            await server.DrainAsync(cut.Token);
        }
        catch (OperationCanceledException)
        {
            LogProcess.DrainCutShort(_logger);
        }
    }
}
