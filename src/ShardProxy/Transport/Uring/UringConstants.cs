namespace ShardProxy.Transport.Uring;

/// <summary>Numbers of linux/io_uring.h and poll.h. Versions are those of the kernel that brought what a number stands for.</summary>
internal static class UringConstants
{
    internal const uint SetupCompletionSize = 1 << 3;
    internal const uint SetupClamp = 1 << 4;
    internal const uint SetupDisabled = 1 << 6;

    /// <summary>A failed entry does not end the batch (5.18).</summary>
    internal const uint SetupSubmitAll = 1 << 7;

    /// <summary>No interrupt of the thread when work is due (5.19).</summary>
    internal const uint SetupCooperative = 1 << 8;

    /// <summary>One thread submits (6.0).</summary>
    internal const uint SetupSingleIssuer = 1 << 12;

    /// <summary>Completions are worked out when the thread asks for them (6.1).</summary>
    internal const uint SetupDeferred = 1 << 13;

    internal const uint FeatureSingleMap = 1 << 0;
    internal const uint FeatureNoDrop = 1 << 1;
    internal const uint FeatureWaitArgument = 1 << 8;
    internal const uint FeatureSkipSuccess = 1 << 11;

    internal const uint EnterGetEvents = 1 << 0;
    internal const uint EnterWaitArgument = 1 << 3;
    internal const uint EnterRegisteredRing = 1 << 4;

    internal const uint RegisterEnableRings = 12;
    internal const uint RegisterRingDescriptors = 20;
    internal const uint RegisterBufferRing = 22;

    internal const uint SubmissionOverflow = 1 << 1;

    internal const long OffsetRings = 0;
    internal const long OffsetSubmissions = 0x10000000;

    internal const byte OperationPollAdd = 6;
    internal const byte OperationAccept = 13;
    internal const byte OperationCancel = 14;
    internal const byte OperationClose = 19;
    internal const byte OperationSend = 26;
    internal const byte OperationReceive = 27;

    internal const byte FlagBufferSelect = 1 << 5;
    internal const byte FlagSkipSuccess = 1 << 6;

    internal const ushort ReceiveMultishot = 1 << 1;
    internal const ushort AcceptMultishot = 1 << 0;

    /// <summary>Of a poll, in the length field.</summary>
    internal const uint PollMultishot = 1 << 0;

    internal const uint CancelAll = 1 << 0;

    /// <summary>By descriptor instead of user data (5.19).</summary>
    internal const uint CancelDescriptor = 1 << 1;

    internal const uint CompletionBuffer = 1 << 0;
    internal const uint CompletionMore = 1 << 1;
    internal const int BufferShift = 16;

    internal const uint PollIn = 0x1;
    internal const uint PollOut = 0x4;
    internal const uint PollError = 0x8;
    internal const uint PollHangUp = 0x10;
    internal const uint PollPeerHangUp = 0x2000;

    internal const uint MessageWaitAll = 0x100;
}
