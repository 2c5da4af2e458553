using System.Buffers.Binary;
using System.Security.Cryptography;
using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Rows whose last columns are the proxy's: the first shard's go to the client without them, and of every shard is kept
/// what its rows come to together, whatever their order.
/// </summary>
/// <param name="visible">Columns that the client asked for; 0: it asked for no rows.</param>
/// <param name="keepsRows">Keeps the proxy's columns of the first shard's rows.</param>
internal sealed class HiddenColumns(IReadOnlyList<ShardRows> sources, int visible, bool returns, bool keepsRows) : IRowPump
{
    private readonly UInt128[] _sums = new UInt128[sources.Count];
    private int _next;

    public long RowCount { get; private set; }

    public List<byte[]?[]> Rows { get; } = [];

    /// <summary>All shards gave the same rows.</summary>
    public bool AreAlike
    {
        get
        {
            for (var source = 1; source < sources.Count; source++)
            {
                if (_sums[source] != _sums[0] || sources[source].RowCount != sources[0].RowCount)
                    return false;
            }
            return true;
        }
    }

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows)
    {
        for (; _next < sources.Count; _next++)
        {
            var source = sources[_next];
            RowState state;
            while ((state = source.TryNext()) == RowState.Row)
            {
                Take(source.Frame, output);
                if (output.Count > highWater)
                    return MergeState.WantRoom;
            }
            if (state == RowState.Pending)
                return MergeState.WantRows;
        }
        return MergeState.Done;
    }

    private void Take(ReadOnlySpan<byte> frame, ByteBuffer output)
    {
        var body = frame[Frame.HeaderLength..];
        var count = BinaryPrimitives.ReadInt16BigEndian(body);
        var at = sizeof(short);
        for (var column = 0; column < visible; column++)
            at += sizeof(int) + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(body[at..]));
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body[at..], digest);
        unchecked
        {
            _sums[_next] += BinaryPrimitives.ReadUInt128BigEndian(digest);
        }
        if (_next > 0)
            return;
        if (keepsRows)
            Rows.Add(Values(body[at..], count - visible));
        if (!returns)
            return;
        RowCount++;
        var row = FrameWriter.Begin(output, BackendMessageType.DataRow);
        row.Int16((short)visible);
        row.Bytes(body[sizeof(short)..at]);
        row.End();
    }

    private static byte[]?[] Values(ReadOnlySpan<byte> fields, int count)
    {
        var values = new byte[]?[count];
        var at = 0;
        for (var column = 0; column < count; column++)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(fields[at..]);
            at += sizeof(int);
            if (length < 0)
                continue;
            values[column] = fields.Slice(at, length).ToArray();
            at += length;
        }
        return values;
    }
}
