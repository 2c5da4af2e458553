namespace ShardProxy.Control.Embedded;

/// <summary>Shows that something is going on.</summary>
public interface IStepDisplay
{
    /// <summary>Runs one step under its title ("Starting 2 servers").</summary>
    Task RunAsync(string title, Func<Task> step);
}
