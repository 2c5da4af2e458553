using System.CommandLine;
using ShardProxy.Configuration;
using Spectre.Console;

namespace ShardProxy.CommandLine;

/// <summary><c>shardproxy check</c>: says everything that is wrong with a file, or what it comes to.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var file = ConfigOption.Create();
        var command = new Command("check", "Check a configuration file and report every error with its line.") { file };
        command.SetAction((result, cancellation) => RunAsync(result.GetRequiredValue(file), cancellation));
        return command;
    }

    /// <summary>Every error on a line of its own, then how many there are.</summary>
    public static async Task<int> ReportAsync(ConfigurationException exception)
    {
        foreach (var error in exception.Errors)
            await Console.Error.WriteLineAsync(error.ToString());
        await Console.Error.WriteLineAsync(exception.Errors.Count == 1 ? "1 error." : $"{exception.Errors.Count} errors.");
        return ExitCodes.Failure;
    }

    private static async Task<int> RunAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            var config = await ConfigurationLoader.LoadAsync(file, cancellationToken);
            AnsiConsole.Write(ConfigurationSummary.Of(config));
            await Console.Out.WriteLineAsync($"{file} has no errors.");
            return ExitCodes.Success;
        }
        catch (ConfigurationException exception)
        {
            return await ReportAsync(exception);
        }
    }
}
