using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;

namespace ShardProxy.Diagnostics;

/// <summary>Reloading the configuration: ids 1100–1199.</summary>
internal static partial class LogConfiguration
{
    [LoggerMessage(1100, LogLevel.Information, "{File} and the files that it names were read again; the configuration is the same.")]
    public static partial void Unchanged(ILogger logger, string file);

    [LoggerMessage(1101, LogLevel.Information, "{File} was read again; now in force: {Changes}.")]
    public static partial void Applied(ILogger logger, string file, string changes);

    [LoggerMessage(1102, LogLevel.Warning, "{File}: these changes wait for a restart: {Changes}.")]
    public static partial void NeedsRestart(ILogger logger, string file, string changes);

    [LoggerMessage(1103, LogLevel.Error, "{Error}")]
    public static partial void Invalid(ILogger logger, ConfigurationError error);

    [LoggerMessage(1104, LogLevel.Error, "The configuration stays as it was: {Count} errors in {File}.")]
    public static partial void ReloadRefused(ILogger logger, string file, int count);

    [LoggerMessage(1105, LogLevel.Error, "The configuration could not be applied.")]
    public static partial void ReloadFailed(ILogger logger, Exception exception);
}
