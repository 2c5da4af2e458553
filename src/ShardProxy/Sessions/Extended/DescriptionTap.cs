using System.Buffers.Binary;
using ShardProxy.Catalog;
using ShardProxy.Execution;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Extended;

/// <summary>Keeps a statement's row description, to be given as that of a portal with its own result formats.</summary>
internal sealed class DescriptionTap : IReplyTap
{
    private byte[] _frame;

    /// <param name="frame">A description that is known already.</param>
    public DescriptionTap(byte[]? frame = null) => _frame = frame ?? [];

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        if (type == BackendMessageType.RowDescription)
            _frame = frame.ToArray();
        return forward;
    }

    /// <param name="formats">None: text; one for all columns; or one each.</param>
    /// <param name="objectIds">Of the shard that gave the description.</param>
    public void WriteTo(ByteBuffer client, IReadOnlyList<short> formats, ObjectIdMap objectIds)
    {
        if (_frame.Length == 0)
        {
            NoDataMessage.Write(client);
            return;
        }
        if (!RowDescriptionMessage.TryRead(_frame.AsSpan(Frame.HeaderLength), out var description))
            return;
        var patched = (byte[])_frame.Clone();
        var column = 0;
        foreach (var field in description)
        {
            var format = formats.Count switch
            {
                0 => (short)0,
                1 => formats[0],
                _ => formats[Math.Min(column, formats.Count - 1)],
            };
            BinaryPrimitives.WriteInt16BigEndian(patched.AsSpan(Frame.HeaderLength + field.FormatOffset), format);
            column++;
        }
        if (!objectIds.IsIdentity)
            ObjectIdTranslation.RowDescriptionToHome(patched.AsSpan(Frame.HeaderLength), objectIds);
        client.Write(patched);
    }
}
