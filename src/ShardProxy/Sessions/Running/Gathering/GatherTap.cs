using System.Buffers.Text;
using ShardProxy.Execution;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>Takes what a shard says before the statement runs: the description of the original, and answers of one column.</summary>
internal sealed class GatherTap : IReplyTap
{
    private bool _isDescribed;

    /// <summary>The RowDescription as a frame; empty for a statement without rows.</summary>
    public byte[] Description { get; private set; } = [];

    /// <summary>The parameters' types.</summary>
    public uint[] Parameters { get; private set; } = [];

    /// <summary>Of each row.</summary>
    public List<byte[]?> Values { get; } = [];

    /// <summary>Of each command that counts rows, how many.</summary>
    public List<long> Counts { get; } = [];

    /// <summary>A row's value that is a whole number.</summary>
    public long Number(int row) =>
        row < Values.Count && Values[row] is { } value && Utf8Parser.TryParse(value, out long number, out var read) && read == value.Length
            ? number
            : throw new SqlErrorException(SqlStates.ProtocolViolation, "the shard's answer to a question of the proxy's own is not a number", null);

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        var body = frame[Frame.HeaderLength..];
        switch (type)
        {
            case BackendMessageType.RowDescription when !_isDescribed:
                Description = frame.ToArray();
                _isDescribed = true;
                break;
            case BackendMessageType.NoData:
                _isDescribed = true;
                break;
            case BackendMessageType.ParameterDescription when ParameterDescriptionMessage.TryRead(body, out var parameters):
                Parameters = new uint[parameters.Count];
                for (var index = 0; index < Parameters.Length; index++)
                    Parameters[index] = parameters.GetType(index);
                break;
            case BackendMessageType.DataRow when DataRowMessage.TryRead(body, out var row) && row.TryGetColumn(0, out var value, out var isNull):
                Values.Add(isNull ? null : value.ToArray());
                break;
            case BackendMessageType.CommandComplete when CountOf(body) is { } count:
                Counts.Add(count);
                break;
        }
        return forward;
    }

    // "SELECT 12", with the NUL of every tag.
    private static long? CountOf(ReadOnlySpan<byte> tag)
    {
        var digits = tag[(tag.LastIndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(digits, out long count, out var read) && read > 0 ? count : null;
    }
}
