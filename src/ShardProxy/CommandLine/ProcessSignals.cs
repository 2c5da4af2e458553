using System.Runtime.InteropServices;

namespace ShardProxy.CommandLine;

/// <summary>The operating system's wishes: the first SIGTERM or SIGINT asks to end, the second insists, SIGHUP asks to read the file again.</summary>
internal sealed class ProcessSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _stopNow = new();
    private readonly SemaphoreSlim _reloads = new(0);
    private readonly PosixSignalRegistration[] _registrations;

    /// <param name="hangUpStops">For what belongs to a terminal: SIGHUP means that it is gone, not that a file changed.</param>
    public ProcessSignals(bool hangUpStops = false) => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnStop),
        PosixSignalRegistration.Create(PosixSignal.SIGINT, OnStop),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, hangUpStops ? OnStop : OnReload),
    ];

    /// <summary>Cancelled by the first request to end.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Cancelled by the second.</summary>
    public CancellationToken StopNow => _stopNow.Token;

    /// <summary>Waits for the next SIGHUP, or completes at once for one that came since.</summary>
    public Task WaitForReloadAsync(CancellationToken cancellationToken) => _reloads.WaitAsync(cancellationToken);

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
        _stopNow.Dispose();
        _reloads.Dispose();
    }

    /// <summary>What SIGTERM and SIGINT do.</summary>
    internal void RequestStop()
    {
        if (_stop.IsCancellationRequested)
            _stopNow.Cancel();
        else
            _stop.Cancel();
    }

    /// <summary>What SIGHUP does.</summary>
    internal void RequestReload() => _reloads.Release();

    private void OnStop(PosixSignalContext context)
    {
        context.Cancel = true;
        RequestStop();
    }

    private void OnReload(PosixSignalContext context)
    {
        context.Cancel = true;
        RequestReload();
    }
}
