namespace ShardProxy.Protocol.Conversation;

/// <summary>What was asked of a server, by the reply that it owes for it.</summary>
public enum ReplyKind : byte
{
    /// <summary>'1'.</summary>
    Parse,

    /// <summary>'2'.</summary>
    Bind,

    /// <summary>'3'.</summary>
    Close,

    /// <summary>'t', then 'T' or 'n'.</summary>
    DescribeStatement,

    /// <summary>'T' or 'n'.</summary>
    DescribePortal,

    /// <summary>Rows or a COPY, then 'C', 'I' or 's'.</summary>
    Execute,

    /// <summary>'Z'.</summary>
    Sync,

    /// <summary>Everything up to 'Z'.</summary>
    Query,

    /// <summary>'V', then 'Z'.</summary>
    FunctionCall,
}

/// <summary>What becomes of a reply.</summary>
public enum Disposition : byte
{
    /// <summary>It goes to the client.</summary>
    Forward,

    /// <summary>The proxy asked for it by itself; the client must not see it.</summary>
    Swallow,

    /// <summary>The server was not asked: the proxy gives the reply itself when its turn comes.</summary>
    MakeUp,

    /// <summary>Never expected, only found: the server sent what nobody asked for, and the connection is to be closed.</summary>
    Violation,
}
