using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Drawing;

/// <summary>
/// What a session has drawn, for currval() and lastval(). Values that the proxy drew are known here; those that a statement
/// drew on a server are known to that server's connection, until another session draws on it.
/// </summary>
public sealed class SessionSequences(Session session)
{
    private Dictionary<uint, long>? _values;
    private uint _last;
    private ServerConnection? _server;

    /// <summary>The last draw was made on a server.</summary>
    public bool LastIsOnServer { get; private set; }

    /// <summary>The connection still knows what this session drew on a server last.</summary>
    public bool DrewOn(ServerConnection server) => ReferenceEquals(_server, server) && ReferenceEquals(server.SequenceOwner, this);

    public void Note(uint sequence, long value)
    {
        (_values ??= [])[sequence] = value;
        _last = sequence;
        LastIsOnServer = false;
    }

    public void NoteServer(ServerConnection server)
    {
        LastIsOnServer = true;
        _server = server;
        server.SequenceOwner = this;
    }

    /// <summary>DISCARD SEQUENCES.</summary>
    public void Clear()
    {
        _values = null;
        _last = 0;
        LastIsOnServer = false;
        _server = null;
    }

    public long Current(uint sequence)
    {
        if (_values is not null && _values.TryGetValue(sequence, out var value))
            return value;
        var name = session.Planning().Routing.Catalog.Relations.Values.FirstOrDefault(relation => relation.Oid == sequence)?.Name.Name ?? "?";
        throw new SqlErrorException(SqlStates.ObjectNotInPrerequisiteState, $"currval of sequence \"{name}\" is not yet defined in this session");
    }

    public long Last()
    {
        if (LastIsOnServer)
            throw NotKnown("lastval()");
        return _last != 0
            ? Current(_last)
            : throw new SqlErrorException(SqlStates.ObjectNotInPrerequisiteState, "lastval is not yet defined in this session");
    }

    public static SqlErrorException NotKnown(string what) => new(
        SqlStates.FeatureNotSupported,
        $"{what} is not known here: the value was drawn on a server connection that others use too",
        "Use INSERT … RETURNING, or draw and ask within one transaction.");
}
