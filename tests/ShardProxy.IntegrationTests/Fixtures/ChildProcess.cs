using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>
/// A program that a test runs beside itself: its output goes to a file, and the kernel ends it when the test process
/// ends, however that happens (a test run that is aborted leaves no server behind).
/// </summary>
public sealed class ChildProcess : IDisposable
{
    public const int SignalTerm = 15;
    public const int SignalInterrupt = 2;
    public const int SignalQuit = 3;
    public const int SignalHup = 1;
    private const int SignalKill = 9;
    private const int SignalStop = 19;

    // The kernel sends the parent-death signal when the *thread* that forked ends, so all children are started by one
    // thread that lives as long as the process.
    private static readonly BlockingCollection<Action> Starts = [];

    private readonly Process _process;

    static ChildProcess()
    {
        var starter = new Thread(static () =>
        {
            foreach (var start in Starts.GetConsumingEnumerable())
                start();
        })
        { IsBackground = true, Name = "child process starter" };
        starter.Start();
    }

    private ChildProcess(Process process, string name, string logFile)
    {
        _process = process;
        Name = name;
        LogFile = logFile;
    }

    public string Name { get; }

    public string LogFile { get; }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Valid once <see cref="HasExited"/>.</summary>
    public int ExitCode => _process.ExitCode;

    /// <param name="asUser">The account to run as when the tests run as root; null keeps the tests' own.</param>
    /// <param name="deathSignal">What the kernel sends the child when this process dies.</param>
    public static Task<ChildProcess> StartAsync(
        string name,
        string logFile,
        string program,
        IEnumerable<string> arguments,
        string? asUser = null,
        string deathSignal = "KILL",
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, WorkingDirectory = "/" };
        foreach (var argument in (string[])["-c", "exec \"$@\" </dev/null >>\"$0\" 2>&1", logFile, "setpriv", "--pdeathsig", deathSignal])
            start.ArgumentList.Add(argument);
        if (asUser is not null && Environment.UserName == "root")
        {
            foreach (var argument in (string[])["--reuid", asUser, "--regid", asUser, "--clear-groups"])
                start.ArgumentList.Add(argument);
        }
        start.ArgumentList.Add("--");
        start.ArgumentList.Add(program);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
            start.Environment[key] = value;

        var started = new TaskCompletionSource<ChildProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Add(() =>
        {
            try
            {
                var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
                started.SetResult(new ChildProcess(process, name, logFile));
            }
            catch (Exception exception)
            {
                started.SetException(exception);
            }
        });
        return started.Task;
    }

    public Task WaitForExitAsync(TimeSpan? deadline = null) =>
        _process.WaitForExitAsync().WaitAsync(deadline ?? Until.Patience);

    public void Signal(int signal)
    {
        if (!_process.HasExited)
            _ = Native.kill(_process.Id, signal);
    }

    /// <summary>SIGKILL, for the process and the processes that it started itself; returns when all of them are gone.</summary>
    public async Task KillTreeAsync()
    {
        if (_process.HasExited)
            return;
        // Stopped first, so that it starts no more children while they are listed.
        _ = Native.kill(_process.Id, SignalStop);
        var children = ChildrenOf(_process.Id);
        _ = Native.kill(_process.Id, SignalKill);
        foreach (var child in children)
            _ = Native.kill(child, SignalKill);
        await _process.WaitForExitAsync();
        await Until.TrueAsync(() => children.All(static child => !IsAlive(child)), $"children of {Name} are gone");
    }

    /// <summary>User and system CPU time that the process has used so far.</summary>
    public TimeSpan CpuTime()
    {
        var fields = StatFields(_process.Id) ?? throw new InvalidOperationException($"{Name} has ended");
        // Fields 14 and 15 of /proc/<pid>/stat (proc(5)), counted from the one after the name; in ticks of 1/100 s.
        return TimeSpan.FromMilliseconds(10 * (Number(fields[11]) + Number(fields[12])));
    }

    /// <summary>Resident memory, in bytes.</summary>
    public long ResidentBytes()
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").First(static row => row.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    }

    /// <summary>What the process printed so far, at most the last <paramref name="maximum"/> characters.</summary>
    public string Log(int maximum = 20_000)
    {
        using var file = new StreamReader(new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        var text = file.ReadToEnd();
        return text.Length <= maximum ? text : "…" + text[^maximum..];
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _ = Native.kill(_process.Id, SignalKill);
        _process.Dispose();
    }

    private static List<int> ChildrenOf(int parent)
    {
        var children = new List<int>();
        foreach (var folder in System.IO.Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), out var id) && StatFields(id) is { } fields && Number(fields[1]) == parent)
                children.Add(id);
        }
        return children;
    }

    private static bool IsAlive(int id) => StatFields(id) is { } fields && fields[0] != "Z";

    /// <summary>The fields of /proc/pid/stat after the process's name, or null when there is no such process.</summary>
    private static string[]? StatFields(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static class Native
    {
        [DllImport("libc", SetLastError = true)]
        public static extern int kill(int process, int signal);
    }
}
