using System.Runtime.InteropServices;
using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Uring;

/// <summary>
/// Does on a pair of sockets what the loops rely on: a receive that is armed once and fills the ring's buffers, and a send
/// that tells at once how much a full socket took, and nothing when it took all.
/// </summary>
internal static unsafe class UringProbe
{
    private const ulong ReceiveData = 1;
    private const ulong SendData = 2;

    /// <summary>Longer than any buffer of a socket is by default (net.core.wmem_max is 208 KB, twice that with overhead).</summary>
    private const int TooMuch = 8 * 1024 * 1024;

    /// <exception cref="UringUnavailableException">Something is missing.</exception>
    internal static void Run()
    {
        var pair = stackalloc int[2];
        if (LibC.SocketPair(SocketConstants.FamilyUnix, SocketConstants.Stream | SocketConstants.CloseOnExec, 0, pair) < 0)
            throw new UringUnavailableException($"no sockets to try it on: {Marshal.GetLastPInvokeErrorMessage()}");
        var memory = (byte*)NativeMemory.AllocZeroed(TooMuch);
        try
        {
            using var ring = new UringRing(8, 64);
            ring.Begin();
            TryReceive(ring, pair[0], pair[1], memory);
            TrySend(ring, pair[0], memory);
        }
        finally
        {
            NativeMemory.Free(memory);
            _ = LibC.Close(pair[0]);
            _ = LibC.Close(pair[1]);
        }
    }

    private static void TryReceive(UringRing ring, int receiver, int sender, byte* memory)
    {
        var receive = ring.Next();
        receive->Operation = UringConstants.OperationReceive;
        receive->Descriptor = receiver;
        receive->Flags = UringConstants.FlagBufferSelect;
        receive->OperationFlags = UringConstants.ReceiveMultishot;
        receive->UserData = ReceiveData;
        for (var round = 1; round <= 2; round++)
        {
            Send(ring, sender, memory, round);
            ring.Enter(1, 1_000);
            var completion = ring.Peek();
            const uint Expected = UringConstants.CompletionBuffer | UringConstants.CompletionMore;
            if (completion is null || completion->UserData != ReceiveData || completion->Result != round || (completion->Flags & Expected) != Expected)
                throw new UringUnavailableException("the kernel has no multishot receive with provided buffers: 6.0 is needed");
            ring.Buffers.Take((int)(completion->Flags >> UringConstants.BufferShift), round);
            ring.Buffers.GiveBack((int)(completion->Flags >> UringConstants.BufferShift));
            ring.Taken();
        }
    }

    private static void TrySend(UringRing ring, int sender, byte* memory)
    {
        Send(ring, sender, memory, TooMuch);
        ring.Enter(0, 0);
        var completion = ring.Peek();
        if (completion is null || completion->UserData != SendData || completion->Result is <= 0 or >= TooMuch)
            throw new UringUnavailableException("the kernel does not tell how much of a send a full socket took: 6.1 is needed");
        ring.Taken();
    }

    private static void Send(UringRing ring, int sender, byte* memory, int length)
    {
        var send = ring.Next();
        send->Operation = UringConstants.OperationSend;
        send->Descriptor = sender;
        send->Flags = UringConstants.FlagSkipSuccess;
        send->CallFlags = SocketConstants.MessageDontWait | SocketConstants.MessageNoSignal | UringConstants.MessageWaitAll;
        send->Address = (ulong)memory;
        send->Length = (uint)length;
        send->UserData = SendData;
    }
}
