using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>A statement with the values of its parameters, as Bind would give them.</summary>
/// <param name="Body">The body of a Bind message.</param>
/// <param name="Types">Of the parameters, by the home shard's ids.</param>
/// <param name="Formats">Format codes of the result.</param>
public sealed record BoundStatement(byte[] Sql, byte[] Body, uint[] Types, IReadOnlyList<short> Formats)
{
    /// <summary>Where binary parameters may hold object ids, the parameters' types; else empty.</summary>
    public uint[] NestedTypes { get; init; } = [];

    /// <summary>The scanner reads the statement for it.</summary>
    public StatementValues Values(Session session)
    {
        session.Scanner.Scan(Sql, session.StandardConformingStrings);
        BindMessage.TryRead(Body, out var bind);
        return new StatementValues(Sql, session.Scanner, bind, Types) { IsConverted = session.ConvertsText, Places = session.Places };
    }
}
