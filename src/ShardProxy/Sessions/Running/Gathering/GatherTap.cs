using System.Globalization;
using ShardProxy.Execution;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>Takes what the home shard says before the statement runs: the description of the original, and the numbers of <see cref="GatherScript.Checks"/>.</summary>
internal sealed class GatherTap : IReplyTap
{
    private bool _isDescribed;

    /// <summary>The RowDescription as a frame; empty for a statement without rows.</summary>
    public byte[] Description { get; private set; } = [];

    public List<long> Numbers { get; } = [];

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        switch (type)
        {
            case BackendMessageType.RowDescription when !_isDescribed:
                Description = frame.ToArray();
                _isDescribed = true;
                break;
            case BackendMessageType.NoData:
                _isDescribed = true;
                break;
            case BackendMessageType.DataRow:
                if (DataRowMessage.TryRead(frame[Frame.HeaderLength..], out var row) && row.TryGetColumn(0, out var value, out var isNull) && !isNull)
                    Numbers.Add(long.Parse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
                break;
        }
        return forward;
    }
}
