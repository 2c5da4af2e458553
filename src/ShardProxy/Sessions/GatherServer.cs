using System.Collections.Frozen;
using ShardProxy.Configuration;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions;

/// <summary>
/// A PostgreSQL beside the shards on which gathered statements run. It holds nothing: what a statement needs is brought there and
/// goes with the statement's transaction, which is no part of the client's. All sessions are one user there.
/// </summary>
/// <param name="noteFailure">Hears of a connection that could not be had; has the server looked at again. Any thread.</param>
public sealed class GatherServer(ConnectionTarget target, ServerPool pool, Action<ServerError> noteFailure)
{
    /// <summary>Where a shard's name would stand.</summary>
    public const string Name = "gather";

    private volatile GatherServerState _state = GatherServerState.Unseen;

    public ConnectionTarget Target { get; } = target;

    public ServerPool Pool { get; } = pool;

    /// <summary>As it was found last. Set by whoever looks after it.</summary>
    public GatherServerState State
    {
        get => _state;
        set => _state = value;
    }

    public void NoteFailure(ServerError error) => noteFailure(error);
}

/// <summary>What is known of the gather server.</summary>
/// <param name="Problem">Why it is not used now, in words; null while it is.</param>
/// <param name="Functions">Names of PostgreSQL's own functions there whose value depends on nothing but their arguments and the settings that are sent along.</param>
public sealed record GatherServerState(string? Problem, FrozenSet<string> Functions)
{
    public static GatherServerState Unseen { get; } = new("it has not been looked at yet", []);

    public static GatherServerState Not(string problem) => new(problem, []);
}
