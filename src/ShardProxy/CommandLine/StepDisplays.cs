using System.Diagnostics;
using System.Globalization;
using ShardProxy.Control.Embedded;
using Spectre.Console;

namespace ShardProxy.CommandLine;

/// <summary>Steps on standard error: standard output is for the ready line.</summary>
internal static class StepDisplays
{
    public static IStepDisplay Choose()
    {
        if (Console.IsErrorRedirected)
            return new PlainStepDisplay();
        return new TerminalStepDisplay(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));
    }
}

/// <summary>A line when a step begins.</summary>
internal sealed class PlainStepDisplay : IStepDisplay
{
    public async Task RunAsync(string title, Func<Task> step)
    {
        await Console.Error.WriteLineAsync($"{title} …");
        await step();
    }
}

/// <summary>A spinner while a step runs, and a line with its time when it is done.</summary>
internal sealed class TerminalStepDisplay(IAnsiConsole console) : IStepDisplay
{
    public async Task RunAsync(string title, Func<Task> step)
    {
        var start = Stopwatch.GetTimestamp();
        await console.Status().Spinner(Spinner.Known.Dots).StartAsync(Markup.Escape(title), _ => step());
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
        console.MarkupLine($"[green]✓[/] {Markup.Escape(title)} [grey]{seconds} s[/]");
    }
}
