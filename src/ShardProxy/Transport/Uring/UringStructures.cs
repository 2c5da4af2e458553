using System.Runtime.InteropServices;

namespace ShardProxy.Transport.Uring;

// The kernel's structures, field by field as in linux/io_uring.h.

/// <summary>struct io_uring_params.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UringParameters
{
    public uint SubmissionEntries;
    public uint CompletionEntries;
    public uint Flags;
    public uint PollThreadCpu;
    public uint PollThreadIdle;
    public uint Features;
    public uint WorkQueueDescriptor;
    public uint Reserved0;
    public uint Reserved1;
    public uint Reserved2;
    public UringRingOffsets Submission;
    public UringRingOffsets Completion;
}

/// <summary>
/// struct io_sqring_offsets and struct io_cqring_offsets, which agree in the first four fields. For submissions the next are
/// flags, dropped, array; for completions overflow, entries, flags.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UringRingOffsets
{
    public uint Head;
    public uint Tail;
    public uint Mask;
    public uint Entries;
    public uint Fifth;
    public uint Sixth;
    public uint Seventh;
    public uint Reserved;
    public ulong UserAddress;
}

/// <summary>struct io_uring_sqe, as far as it is used here.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct UringSubmission
{
    [FieldOffset(0)]
    public byte Operation;

    [FieldOffset(1)]
    public byte Flags;

    /// <summary>ioprio: flags of receive, send and accept.</summary>
    [FieldOffset(2)]
    public ushort OperationFlags;

    [FieldOffset(4)]
    public int Descriptor;

    [FieldOffset(8)]
    public ulong Offset;

    [FieldOffset(16)]
    public ulong Address;

    [FieldOffset(24)]
    public uint Length;

    /// <summary>msg_flags, poll32_events, accept_flags, cancel_flags.</summary>
    [FieldOffset(28)]
    public uint CallFlags;

    [FieldOffset(32)]
    public ulong UserData;

    [FieldOffset(40)]
    public ushort BufferGroup;

    [FieldOffset(44)]
    public int FileIndex;
}

/// <summary>struct io_uring_cqe.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UringCompletion
{
    public ulong UserData;

    /// <summary>A count or descriptor; negated, an error number.</summary>
    public int Result;

    public uint Flags;
}

/// <summary>struct io_uring_buf. The last field of a ring's first entry is the ring's tail.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UringBuffer
{
    public ulong Address;
    public uint Length;
    public ushort Id;
    public ushort Tail;
}

/// <summary>struct io_uring_buf_reg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UringBufferRegistration
{
    public ulong RingAddress;
    public uint Entries;
    public ushort Group;
    public ushort Flags;
    public ulong Reserved0;
    public ulong Reserved1;
    public ulong Reserved2;
}

/// <summary>struct io_uring_rsrc_update.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UringResourceUpdate
{
    public uint Offset;
    public uint Reserved;
    public ulong Data;
}

/// <summary>struct io_uring_getevents_arg.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UringWaitArgument
{
    public ulong SignalMask;
    public uint SignalMaskSize;
    public uint MinimumWait;
    public ulong Time;
}

/// <summary>struct __kernel_timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct KernelTime
{
    public long Seconds;
    public long Nanoseconds;
}
