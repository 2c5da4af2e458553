using System.Globalization;

namespace ShardProxy.Load;

/// <summary>CPU time that another process has used.</summary>
internal sealed class ProcessTime
{
    /// <summary>USER_HZ, the unit of /proc/PID/stat: 100 on every Linux that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    private readonly string? _path;

    private ProcessTime(string? path) => _path = path;

    /// <param name="pid">"0": no process; its time stands still.</param>
    public static ProcessTime Of(string pid) => new(pid == "0" ? null : $"/proc/{Numbers.Parse(pid)}/stat");

    /// <summary>User and system time so far, in seconds.</summary>
    public double Seconds
    {
        get
        {
            if (_path is null)
                return 0;
            // proc(5): utime and stime are fields 14 and 15; the second one, the program's name, may contain blanks.
            var text = File.ReadAllText(_path);
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
    }
}
