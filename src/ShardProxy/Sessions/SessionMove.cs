using System.Runtime.CompilerServices;
using ShardProxy.Transport;

namespace ShardProxy.Sessions;

/// <summary>
/// Takes a session to another loop: its client's connection and its signal are bound there, and the session goes on there.
/// The session holds no server connection and nobody waits on its signal.
/// </summary>
public static class SessionMove
{
    /// <summary>On the session's loop; after it the session is the other loop's, where <paramref name="resume"/> is called.</summary>
    public static void Begin(Session session, EventLoop loop, Action<object?> resume, object state)
    {
        var connection = session.Client.Connection;
        connection.Signal = null;
        try
        {
            connection.MoveTo(loop);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // A loop ends: the connection is closed, as the session will find on the other one.
            connection.Dispose();
        }
        session.Signal.MoveTo(loop);
        loop.Post(
            static arrival =>
            {
                var (session, resume, state) = ((Session, Action<object?>, object))arrival!;
                session.Client.Connection.Signal = session.Signal;
                resume(state);
            },
            (session, resume, state));
    }

    /// <summary>Goes on on the loop, with the session; at once when it is there.</summary>
    public static Arrival To(Session session, EventLoop loop) => new(session, loop);

    public readonly struct Arrival(Session session, EventLoop loop) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => ReferenceEquals(session.Signal.Loop, loop);

        public Arrival GetAwaiter() => this;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation) =>
            Begin(session, loop, static state => ((Action)state!)(), continuation);
    }
}
