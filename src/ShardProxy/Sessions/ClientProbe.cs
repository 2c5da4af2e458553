using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Sessions;

/// <summary>
/// The client's stream has ended while something of it is still to be done. A client that has only shut down its sending
/// side wants its answers (what it sent is done as PostgreSQL does it); for one that has gone nothing need run on. The two
/// look the same until something is sent: whose socket is closed answers with a reset. So it is told twice, with a pause, a
/// setting that it knows already, which the protocol allows at any time between messages.
/// </summary>
internal sealed class ClientProbe(Session session)
{
    private const long PauseMilliseconds = 500;

    private bool _isStarted;
    private bool _isOver;

    /// <summary>Loop's thread. Again is nothing.</summary>
    public void Start()
    {
        if (_isStarted)
            return;
        _isStarted = true;
        _ = RunAsync();
    }

    /// <summary>The session has ended; its client is no more to be spoken to.</summary>
    public void Stop() => _isOver = true;

    private async Task RunAsync()
    {
        if (!TrySpeak())
            return;
        var clock = new LoopSignal(session.Signal.Loop) { Deadline = Environment.TickCount64 + PauseMilliseconds };
        while (!clock.DeadlinePassed)
            await clock.WaitAsync();
        clock.Deadline = 0;
        if (!_isOver)
            TrySpeak();
    }

    private bool TrySpeak()
    {
        // In the midst of a row nothing else can be said, and the row's own bytes are the probe.
        if (session.Relay.IsInsideMessage)
            return true;
        foreach (var (name, value) in session.Relay.Reported)
        {
            ParameterStatusMessage.Write(session.Client.Output, name, value);
            break;
        }
        try
        {
            session.Client.TryFlush();
            return true;
        }
        catch (PeerClosedException)
        {
            session.RequestEnd(SessionEnd.ClientGone);
            return false;
        }
    }
}
