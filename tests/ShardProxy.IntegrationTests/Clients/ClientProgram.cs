using System.Diagnostics;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Clients;

/// <summary>Runs programs of other languages that connect with libpq's environment variables.</summary>
internal static class ClientProgram
{
    public static string Folder { get; } = Path.Combine(RepositoryRoot.Path, "tests", "clients");

    /// <summary>Runs the program to its end: what it printed. Fails with its output when its exit code is not 0.</summary>
    public static async Task<string> RunAsync(Endpoint endpoint, string program, IEnumerable<string> arguments, string? input = null, TimeSpan? deadline = null)
    {
        var (code, output, errors) = await TryRunAsync(endpoint, program, arguments, input, deadline);
        if (code != 0)
            Assert.Fail($"{program} {string.Join(' ', arguments)} ended with {code}:\n{output}\n{errors}");
        return output;
    }

    public static async Task<(int Code, string Output, string Errors)> TryRunAsync(
        Endpoint endpoint, string program, IEnumerable<string> arguments, string? input = null, TimeSpan? deadline = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        foreach (var (name, value) in endpoint.LibpqEnvironment)
            start.Environment[name] = value;
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync().WaitAsync(deadline ?? TimeSpan.FromMinutes(2));
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} hangs:\n{await output}\n{await errors}");
        }
        return (process.ExitCode, await output, await errors);
    }
}
