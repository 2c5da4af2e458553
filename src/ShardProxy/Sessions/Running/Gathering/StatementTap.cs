using ShardProxy.Execution;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>Takes the description of a statement, and not that of queries before it.</summary>
internal sealed class StatementTap : IReplyTap
{
    private bool _isNext;

    /// <summary>RowDescription as a frame; empty for a statement without rows.</summary>
    public byte[] Description { get; private set; } = [];

    /// <summary>The parameters' types.</summary>
    public uint[] Parameters { get; private set; } = [];

    /// <summary>The columns have the same names, types and modifiers.</summary>
    public bool GivesWhat(byte[] other)
    {
        if (Description.Length == 0 || other.Length == 0)
            return Description.Length == other.Length;
        if (!RowDescriptionMessage.TryRead(Description.AsSpan(Frame.HeaderLength), out var own)
            || !RowDescriptionMessage.TryRead(other.AsSpan(Frame.HeaderLength), out var theirs)
            || own.Count != theirs.Count)
        {
            return false;
        }
        var fields = theirs.GetEnumerator();
        foreach (var field in own)
        {
            if (!fields.MoveNext() || !field.Name.SequenceEqual(fields.Current.Name) || field.TypeOid != fields.Current.TypeOid || field.TypeModifier != fields.Current.TypeModifier)
                return false;
        }
        return true;
    }

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        if (type == BackendMessageType.ParameterDescription && ParameterDescriptionMessage.TryRead(frame[Frame.HeaderLength..], out var parameters))
        {
            _isNext = true;
            Parameters = new uint[parameters.Count];
            for (var index = 0; index < Parameters.Length; index++)
                Parameters[index] = parameters.GetType(index);
        }
        else if (type == BackendMessageType.RowDescription && _isNext)
        {
            Description = frame.ToArray();
        }
        return forward;
    }
}
