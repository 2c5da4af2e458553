using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Writing;

namespace ShardProxy.Sessions.Spreading;

/// <summary>The rows of a statement over shards, for another statement of the proxy's.</summary>
internal sealed class KeptAnswer
{
    private KeptRows? _rows;

    /// <summary>The RowDescription message.</summary>
    public byte[] Description { get; private set; } = [];

    /// <summary>Throws 54000 beyond <paramref name="maxBytes"/> when it is pumped.</summary>
    public IRowPump Take(byte[] description, IRowPump rows, long maxBytes)
    {
        Description = description;
        return _rows = new KeptRows(rows, maxBytes);
    }

    public List<byte[]?[]> Rows()
    {
        var rows = new List<byte[]?[]>();
        var left = _rows is null ? [] : _rows.Messages;
        while (Frame.TryRead(left, int.MaxValue, out _, out var length) == FrameStatus.Complete)
        {
            DataRowMessage.TryRead(left[Frame.HeaderLength..length], out var row);
            var values = new byte[]?[row.ColumnCount];
            for (var column = 0; column < values.Length; column++)
                values[column] = row.TryGetColumn(column, out var value, out var isNull) && !isNull ? value.ToArray() : null;
            rows.Add(values);
            left = left[length..];
        }
        return rows;
    }
}
