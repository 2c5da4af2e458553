using System.Globalization;
using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Writing;

/// <summary>The rows that a step of a <see cref="StepsDraft"/> has returned, for a later one: a column is one parameter, an array.</summary>
internal sealed class ReturnedRows
{
    private readonly string _name;
    private readonly List<(string Name, string ArrayType)> _columns = [];
    private readonly List<StringBuilder> _arrays = [];

    /// <param name="messages">RowDescription and DataRows, the values as text; nothing where the step returns nothing.</param>
    public ReturnedRows(WriteStep step, ReadOnlySpan<byte> messages)
    {
        _name = step.Name;
        while (!messages.IsEmpty)
        {
            var length = 1 + System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(messages[1..]);
            var body = messages[Frame.HeaderLength..length];
            if (messages[0] == BackendMessageType.RowDescription && RowDescriptionMessage.TryRead(body, out var description))
                Describe(step, description);
            else if (messages[0] == BackendMessageType.DataRow && DataRowMessage.TryRead(body, out var row))
                Add(row);
            messages = messages[length..];
        }
    }

    /// <summary>As a part of WITH.</summary>
    /// <param name="first">The number of the parameter that is the first column.</param>
    public string Text(int first)
    {
        var names = string.Join(", ", _columns.Select(static column => StoredRows.Quote(column.Name)));
        var arrays = string.Join(", ", _columns.Select((column, index) => string.Create(CultureInfo.InvariantCulture, $"pg_catalog.unnest(${first + index}::{column.ArrayType})")));
        return _columns.Count == 0
            ? $"{StoredRows.Quote(_name)} AS (SELECT)"
            : $"{StoredRows.Quote(_name)}({names}) AS (SELECT * FROM ROWS FROM ({arrays}) AS r)";
    }

    /// <summary>The values of those parameters.</summary>
    public IEnumerable<byte[]> Values => _arrays.Select(static array => Encoding.UTF8.GetBytes($"{{{array}}}"));

    private void Describe(WriteStep step, RowDescriptionMessage description)
    {
        foreach (var field in description)
        {
            var name = _columns.Count < step.Columns.Length ? step.Columns[_columns.Count] : Encoding.UTF8.GetString(field.Name);
            var type = ArrayTypeNames.Of(field.TypeOid) ?? throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                $"\"{name}\", which a part of WITH returns, has a type whose values are not passed on from shard to shard",
                "Cast it, to text for one, in RETURNING, or run the parts as statements of one transaction.");
            _columns.Add((name, type));
            _arrays.Add(new StringBuilder());
        }
    }

    private void Add(in DataRowMessage row)
    {
        for (var column = 0; column < _arrays.Count; column++)
        {
            var array = _arrays[column];
            if (array.Length > 0)
                array.Append(',');
            if (!row.TryGetColumn(column, out var value, out var isNull) || isNull)
            {
                array.Append("NULL");
                continue;
            }
            array.Append('"').Append(Encoding.UTF8.GetString(value).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        }
    }
}
