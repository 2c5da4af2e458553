using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Extended;

/// <summary>Statements and portals by the names that messages give them.</summary>
internal sealed class ExtendedNames
{
    private readonly Session _session;

    public ExtendedNames(Session session) => _session = session;

    public ClientStatement FindStatement(ReadOnlySpan<byte> name)
    {
        if (_session.Prepared.TryGetStatement(name, out var statement))
            return statement;
        throw new SqlErrorException(
            SqlStates.InvalidSqlStatementName,
            name.IsEmpty ? "unnamed prepared statement does not exist" : $"prepared statement \"{Text(name)}\" does not exist");
    }

    public ClientPortal FindPortal(ReadOnlySpan<byte> name) =>
        _session.Prepared.TryGetPortal(name, out var portal) ? portal : CursorPortal(name);

    // A cursor that SQL declared is a portal of its name, on the server where DECLARE ran.
    private ClientPortal CursorPortal(ReadOnlySpan<byte> name) =>
        _session.Cursors.TryFindMerged(Text(name), out _)
            ? throw new SqlErrorException(SqlStates.FeatureNotSupported, $"cursor \"{Text(name)}\" over several shards is no portal of the protocol", "Use FETCH.")
            : _session.Cursors.TryFind(Text(name), out var shard) && _session.Servers.Held(shard) is { } server
                ? new ClientPortal(new ClientStatement(PreparedText.Unnamed([], []), isUnnamed: true), CursorStatement, server)
                : throw NoPortal(name);

    private static PlannedStatement CursorStatement { get; } = new(new OneShardPlan(AnyShard.Instance), Traits.None, "fetch");

    public static SqlErrorException NoPortal(ReadOnlySpan<byte> name) =>
        new(SqlStates.InvalidCursorName, $"portal \"{Text(name)}\" does not exist");

    public static string Text(ReadOnlySpan<byte> name) => System.Text.Encoding.UTF8.GetString(name);
}
