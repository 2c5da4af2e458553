using ShardProxy.Protocol.Messages;

namespace ShardProxy.Protocol.Conversation;

internal enum ReplyStep
{
    /// <summary>This message has no place in the reply.</summary>
    Foreign,

    /// <summary>It belongs to the reply, and more follows.</summary>
    Goes,

    /// <summary>It is the last of the reply.</summary>
    Ends,
}

/// <summary>Which messages make up each reply (PostgreSQL documentation, "Message Flow"). Errors and asynchronous messages are not their business.</summary>
internal static class ReplyRules
{
    public static ReplyStep Follow(ReplyKind kind, byte type) => kind switch
    {
        ReplyKind.Parse => EndsWhen(type == BackendMessageType.ParseComplete),
        ReplyKind.Bind => EndsWhen(type == BackendMessageType.BindComplete),
        ReplyKind.Close => EndsWhen(type == BackendMessageType.CloseComplete),
        ReplyKind.DescribeStatement when type == BackendMessageType.ParameterDescription => ReplyStep.Goes,
        ReplyKind.DescribeStatement or ReplyKind.DescribePortal =>
            EndsWhen(type is BackendMessageType.RowDescription or BackendMessageType.NoData),
        ReplyKind.Execute => FollowExecute(type),
        ReplyKind.Sync => EndsWhen(type == BackendMessageType.ReadyForQuery),
        ReplyKind.Query => FollowQuery(type),
        ReplyKind.FunctionCall when type == BackendMessageType.FunctionCallResponse => ReplyStep.Goes,
        ReplyKind.FunctionCall => EndsWhen(type == BackendMessageType.ReadyForQuery),
        _ => ReplyStep.Foreign,
    };

    private static ReplyStep FollowExecute(byte type) => type switch
    {
        BackendMessageType.DataRow => ReplyStep.Goes,
        BackendMessageType.CommandComplete or BackendMessageType.EmptyQueryResponse or BackendMessageType.PortalSuspended => ReplyStep.Ends,
        _ => IsCopy(type) ? ReplyStep.Goes : ReplyStep.Foreign,
    };

    private static ReplyStep FollowQuery(byte type) => type switch
    {
        BackendMessageType.ReadyForQuery => ReplyStep.Ends,
        BackendMessageType.RowDescription or BackendMessageType.DataRow or BackendMessageType.CommandComplete
            or BackendMessageType.EmptyQueryResponse => ReplyStep.Goes,
        _ => IsCopy(type) ? ReplyStep.Goes : ReplyStep.Foreign,
    };

    private static bool IsCopy(byte type) => type is BackendMessageType.CopyInResponse or BackendMessageType.CopyOutResponse
        or BackendMessageType.CopyBothResponse or BackendMessageType.CopyData or BackendMessageType.CopyDone;

    private static ReplyStep EndsWhen(bool ends) => ends ? ReplyStep.Ends : ReplyStep.Foreign;
}
