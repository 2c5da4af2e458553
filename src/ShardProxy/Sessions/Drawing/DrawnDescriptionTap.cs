using ShardProxy.Catalog;
using ShardProxy.Execution;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Extended;

namespace ShardProxy.Sessions.Drawing;

/// <summary>Keeps what a server says of a statement, to be told without the parameters that the client does not know.</summary>
internal sealed class DrawnDescriptionTap : IReplyTap
{
    private readonly DescriptionTap _rows = new();
    private uint[] _types = [];

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        if (type == BackendMessageType.ParameterDescription && ParameterDescriptionMessage.TryRead(frame[Frame.HeaderLength..], out var description))
        {
            _types = new uint[description.Count];
            for (var i = 0; i < _types.Length; i++)
                _types[i] = description.GetType(i);
        }
        return _rows.OnMessage(type, frame, forward);
    }

    /// <param name="count">The client's parameters.</param>
    /// <param name="objectIds">Of the shard that was asked.</param>
    public void WriteTo(ByteBuffer client, int count, ObjectIdMap objectIds)
    {
        ParameterDescriptionMessage.Write(client, Array.ConvertAll(_types[..Math.Min(count, _types.Length)], objectIds.ToHome));
        _rows.WriteTo(client, [], objectIds);
    }
}
