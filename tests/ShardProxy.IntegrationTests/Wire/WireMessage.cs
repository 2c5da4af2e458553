using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace ShardProxy.IntegrationTests.Wire;

/// <summary>One backend message as it came over the wire.</summary>
public sealed record WireMessage(char Type, byte[] Body)
{
    /// <summary>First user-assigned object id (access/transam.h, FirstNormalObjectId); ids from here on differ between servers.</summary>
    private const uint FirstUserOid = 16384;

    /// <summary>The fields of an ErrorResponse or NoticeResponse by their letter.</summary>
    public IReadOnlyDictionary<char, string> Fields
    {
        get
        {
            var fields = new Dictionary<char, string>();
            var position = 0;
            while (position < Body.Length && Body[position] != 0)
            {
                var letter = (char)Body[position++];
                fields[letter] = ReadString(ref position);
            }
            return fields;
        }
    }

    public string SqlState => Fields.GetValueOrDefault('C', "");

    /// <summary>The transaction status of a ReadyForQuery: I, T or E.</summary>
    public char Status => (char)Body[0];

    public string CommandTag => Encoding.UTF8.GetString(Body.AsSpan(0, Body.Length - 1));

    /// <summary>The values of a DataRow; null for NULL.</summary>
    public byte[]?[] Values
    {
        get
        {
            var values = new byte[]?[BinaryPrimitives.ReadInt16BigEndian(Body)];
            var position = 2;
            for (var index = 0; index < values.Length; index++)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(Body.AsSpan(position));
                position += 4;
                if (length < 0)
                    continue;
                values[index] = Body[position..(position + length)];
                position += length;
            }
            if (position != Body.Length)
                throw new InvalidDataException("A DataRow is longer than its values");
            return values;
        }
    }

    public string[] TextValues => [.. Values.Select(static value => value is null ? "NULL" : Encoding.UTF8.GetString(value))];

    /// <summary>
    /// What a client can see of the message, without what differs between any two servers: process ids, object ids of
    /// the user's own objects, and where in PostgreSQL's source an error was raised.
    /// </summary>
    public override string ToString() => Type switch
    {
        'R' => $"Authentication {BinaryPrimitives.ReadInt32BigEndian(Body)}",
        'K' => "BackendKeyData",
        'Z' => $"ReadyForQuery {Status}",
        'C' => $"CommandComplete {CommandTag}",
        'I' => "EmptyQueryResponse",
        '1' => "ParseComplete",
        '2' => "BindComplete",
        '3' => "CloseComplete",
        'n' => "NoData",
        's' => "PortalSuspended",
        'c' => "CopyDone",
        'd' => $"CopyData {Printable(Body)}",
        'G' or 'H' or 'W' => $"CopyResponse {Type} {Convert.ToHexString(Body)}",
        'S' => $"ParameterStatus {string.Join('=', Encoding.UTF8.GetString(Body).TrimEnd('\0').Split('\0'))}",
        'A' => $"Notification {Encoding.UTF8.GetString(Body.AsSpan(4)).Replace('\0', ' ')}",
        'E' => "Error " + DescribeFields(),
        'N' => "Notice " + DescribeFields(),
        'T' => DescribeRow(),
        't' => DescribeParameters(),
        'D' => "DataRow " + string.Join(" | ", Values.Select(static value => value is null ? "NULL" : Printable(value))),
        'V' => $"FunctionCallResponse {Convert.ToHexString(Body)}",
        'v' => $"NegotiateProtocolVersion {Convert.ToHexString(Body)}",
        _ => $"'{Type}' {Convert.ToHexString(Body)}",
    };

    private string DescribeFields() => string.Join(", ", Fields
        .Where(static field => field.Key is not ('F' or 'L' or 'R'))
        // The proxy says which of several shards an error comes from.
        .Where(static field => field is not { Key: 'W', Value: ['s', 'h', 'a', 'r', 'd', ' ', '"', ..] })
        .Select(static field => $"{field.Key}={field.Value}"));

    private string DescribeRow()
    {
        var columns = new List<string>();
        var position = 2;
        for (var left = BinaryPrimitives.ReadInt16BigEndian(Body); left > 0; left--)
        {
            var name = ReadString(ref position);
            var column = BinaryPrimitives.ReadInt16BigEndian(Body.AsSpan(position + 4));
            var type = BinaryPrimitives.ReadUInt32BigEndian(Body.AsSpan(position + 6));
            var size = BinaryPrimitives.ReadInt16BigEndian(Body.AsSpan(position + 10));
            var modifier = BinaryPrimitives.ReadInt32BigEndian(Body.AsSpan(position + 12));
            var format = BinaryPrimitives.ReadInt16BigEndian(Body.AsSpan(position + 16));
            position += 18;
            columns.Add($"{name}:{TypeName(type)}/{size}/{modifier}/{format}/{column}");
        }
        return "RowDescription " + string.Join(", ", columns);
    }

    private string DescribeParameters()
    {
        var types = new List<string>();
        for (var position = 2; position < Body.Length; position += 4)
            types.Add(TypeName(BinaryPrimitives.ReadUInt32BigEndian(Body.AsSpan(position))));
        return "ParameterDescription " + string.Join(", ", types);
    }

    private static string TypeName(uint oid) => oid < FirstUserOid ? oid.ToString(CultureInfo.InvariantCulture) : "user";

    private string ReadString(ref int position)
    {
        var length = Body.AsSpan(position).IndexOf((byte)0);
        var text = Encoding.UTF8.GetString(Body, position, length);
        position += length + 1;
        return text;
    }

    private static string Printable(byte[] bytes) =>
        bytes.AsSpan().IndexOfAnyInRange((byte)0, (byte)8) >= 0 || bytes.AsSpan().IndexOfAnyInRange((byte)128, (byte)255) >= 0
            ? "\\x" + Convert.ToHexString(bytes)
            : Encoding.ASCII.GetString(bytes).Replace("\n", "\\n").Replace("\r", "\\r");
}
