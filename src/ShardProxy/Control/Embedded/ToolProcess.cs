using System.Diagnostics;

namespace ShardProxy.Control.Embedded;

/// <param name="Output">Standard output and standard error, in that order.</param>
internal sealed record ToolResult(int ExitCode, string Output);

/// <summary>Programs that are run to their end.</summary>
internal static class ToolProcess
{
    public static async Task<ToolResult> RunAsync(IReadOnlyList<string> command, string workingFolder, CancellationToken cancellationToken)
    {
        using var process = Process.Start(StartInfo(command, workingFolder))
            ?? throw new EmbeddedException($"{command[0]} could not be started.");
        process.StandardInput.Close();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return new ToolResult(process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>With the environment of this process, less what would lead PostgreSQL's programs elsewhere.</summary>
    public static ProcessStartInfo StartInfo(IReadOnlyList<string> command, string workingFolder)
    {
        var info = new ProcessStartInfo(command[0], command.Skip(1))
        {
            WorkingDirectory = workingFolder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in info.Environment.Keys.Where(static name => name.StartsWith("PG", StringComparison.Ordinal) || name.StartsWith("LC_", StringComparison.Ordinal)).ToList())
            info.Environment.Remove(name);
        info.Environment["LANG"] = "C";
        return info;
    }
}
