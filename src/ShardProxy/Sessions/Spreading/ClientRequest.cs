using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Spreading;

/// <summary>One execution of a statement over several shards, as the client asked for it.</summary>
/// <param name="Sql">The statement's text.</param>
/// <param name="Bind">The body of Bind; empty in the simple protocol.</param>
/// <param name="ParameterTypes">As declared, by the home shard's ids.</param>
/// <param name="Formats">Format codes of the result.</param>
/// <param name="IsDescribed">The client is told of its columns with the rows.</param>
public sealed record ClientRequest(ReadOnlyMemory<byte> Sql, ReadOnlyMemory<byte> Bind, uint[] ParameterTypes, IReadOnlyList<short> Formats, bool IsDescribed)
{
    /// <summary>Where binary parameters may hold object ids, the parameters' types; else empty.</summary>
    public uint[] NestedParameterTypes { get; init; } = [];

    /// <summary>The portal that is executed, with its row limit; null in the simple protocol.</summary>
    public ClientPortal? Portal { get; init; }

    /// <summary>Runs the request on further shards, when there was no row where one was expected; null: there are none to ask.</summary>
    public Func<ValueTask<bool>>? Elsewhere { get; init; }

    /// <summary>A statement that is a part of the client's: takes its description and rows in the client's stead. Null: they are the client's.</summary>
    public ByteBuffer? Sink { get; init; }

    /// <summary>The session's scanner has read the statement, and nothing else.</summary>
    public bool IsScanned { get; init; }

    /// <summary>EXPLAIN ANALYZE: the rows are counted and thrown away.</summary>
    public SpreadMeasure? Measure { get; init; }

    /// <summary>LIMIT says how many rows are locked: those that are given, and no shard's others.</summary>
    public bool Locks { get; init; }

    /// <summary>The RowDescription of the client's own text, where the shards get another whose columns would be told otherwise; empty: what they describe.</summary>
    public byte[] Description { get; init; } = [];

    /// <summary>Takes the rows in the client's stead, in the simple protocol's way; null: the client takes them.</summary>
    internal KeptAnswer? Kept { get; init; }

    public short Format(int column) => Formats.Count switch
    {
        0 => 0,
        1 => Formats[0],
        _ => column < Formats.Count ? Formats[column] : (short)0,
    };

    /// <summary>The value of LIMIT or OFFSET; null for NULL. Throws as PostgreSQL does for a negative one.</summary>
    public long? Count(RowCountTerm? term, bool isLimit)
    {
        var value = term is { Parameter: > 0 and var parameter } ? Parameter(parameter) : term?.Value;
        if (value >= 0 || value is null)
            return value;
        throw isLimit
            ? new SqlErrorException("2201W", "LIMIT must not be negative")
            : new SqlErrorException("2201X", "OFFSET must not be negative");
    }

    private long? Parameter(int number)
    {
        if (!BindMessage.TryRead(Bind.Span, out var bind) || number > bind.ParameterCount || !bind.TryGetParameter(number - 1, out var value, out var isNull))
            throw Unreadable();
        if (isNull)
            return null;
        if (bind.IsBinary(number - 1))
        {
            return value.Length switch
            {
                2 => BinaryPrimitives.ReadInt16BigEndian(value),
                4 => BinaryPrimitives.ReadInt32BigEndian(value),
                8 => BinaryPrimitives.ReadInt64BigEndian(value),
                _ => throw Unreadable(),
            };
        }
        var text = Encoding.UTF8.GetString(value);
        return long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var count)
            ? count
            : throw new SqlErrorException(SqlStates.InvalidTextRepresentation, $"invalid input syntax for type bigint: \"{text}\"");
    }

    private static SqlErrorException Unreadable() => new(
        SqlStates.FeatureNotSupported,
        "the value of LIMIT or OFFSET cannot be read here, and the statement runs on several shards",
        "Give it as an integer.");

    /// <summary>A RowDescription message cut to its first columns, in the formats that the client asked for.</summary>
    public byte[] Describe(byte[] frame, int columns)
    {
        var body = frame.AsSpan(Frame.HeaderLength);
        if (!RowDescriptionMessage.TryRead(body, out var description))
            return frame;
        var column = 0;
        var end = sizeof(short);
        var patched = (byte[])frame.Clone();
        foreach (var field in description)
        {
            if (column == columns)
                break;
            BinaryPrimitives.WriteInt16BigEndian(patched.AsSpan(Frame.HeaderLength + field.FormatOffset), Format(column));
            end = field.FormatOffset + sizeof(short);
            column++;
        }
        var length = Frame.HeaderLength + end;
        BinaryPrimitives.WriteInt32BigEndian(patched.AsSpan(1), length - 1);
        BinaryPrimitives.WriteInt16BigEndian(patched.AsSpan(Frame.HeaderLength), (short)column);
        return patched[..length];
    }
}
