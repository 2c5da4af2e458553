using System.Buffers.Binary;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Extended;

/// <summary>The messages of the extended protocol as values that live over an await.</summary>
internal static class ExtendedBodies
{
    public static (byte[] Name, byte[] Sql, uint[] Types) Parse(ReadOnlySpan<byte> body)
    {
        if (!ParseMessage.TryRead(body, out var parse))
            throw Malformed("Parse");
        var types = new uint[parse.ParameterTypeCount];
        for (var i = 0; i < types.Length; i++)
            types[i] = parse.GetParameterType(i);
        return (parse.Name.ToArray(), parse.Query.ToArray(), types);
    }

    public static (PreparedKind Kind, byte[] Name) Describe(ReadOnlySpan<byte> body) =>
        DescribeMessage.TryRead(body, out var describe) ? (describe.Kind, describe.Name.ToArray()) : throw Malformed("Describe");

    public static (PreparedKind Kind, byte[] Name) Close(ReadOnlySpan<byte> body) =>
        CloseMessage.TryRead(body, out var close) ? (close.Kind, close.Name.ToArray()) : throw Malformed("Close");

    public static (byte[] Portal, int MaxRows) Execute(ReadOnlySpan<byte> body) =>
        ExecuteMessage.TryRead(body, out var execute) ? (execute.Portal.ToArray(), execute.MaxRows) : throw Malformed("Execute");

    /// <summary>A Bind that cannot be read, in PostgreSQL's words where its counts do not fit together.</summary>
    public static SqlErrorException MalformedBind(ReadOnlySpan<byte> body)
    {
        for (var name = 0; name < 2; name++)
        {
            var end = body.IndexOf((byte)0);
            if (end < 0)
                return Malformed("Bind");
            body = body[(end + 1)..];
        }
        if (body.Length < sizeof(ushort))
            return Malformed("Bind");
        var formats = BinaryPrimitives.ReadUInt16BigEndian(body);
        var counts = body[sizeof(ushort)..];
        if (counts.Length < (formats + 1) * sizeof(ushort))
            return Malformed("Bind");
        var parameters = BinaryPrimitives.ReadUInt16BigEndian(counts[(formats * sizeof(ushort))..]);
        return formats > 1 && formats != parameters
            ? new SqlErrorException(SqlStates.ProtocolViolation, $"bind message has {formats} parameter formats but {parameters} parameters")
            : Malformed("Bind");
    }

    // The frame is whole, so the stream can be followed: an error like another, as in PostgreSQL.
    public static SqlErrorException Malformed(string message) =>
        new(SqlStates.ProtocolViolation, $"invalid message format: {message}");
}
