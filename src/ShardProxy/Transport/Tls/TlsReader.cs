using System.Buffers;
using System.Net.Security;

namespace ShardProxy.Transport.Tls;

/// <summary>
/// The receiving side of the TLS engine: turns one record of the adapter at a time into plain bytes, which stand here until
/// they are taken. Holds a buffer only while bytes stand in it or a read of the engine's is pending.
/// </summary>
internal sealed class TlsReader(SslStream ssl, TlsStreamAdapter adapter)
{
    private byte[] _plain = [];
    private int _start;
    private int _end;

    /// <summary>A read of the engine's waits for the next record, as the last one carried no application data (a session ticket, a key update).</summary>
    private bool _pending;

    internal bool HasPlain => _start < _end;

    /// <summary>No application data will follow, whether the peer said so or broke off.</summary>
    internal bool Ended { get; private set; }

    /// <summary>Copies out what fits.</summary>
    internal int Take(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _end - _start);
        _plain.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        if (_start == _end)
            Release();
        return count;
    }

    /// <summary>Feeds the engine one record, which the adapter has. Only when no plain bytes are left.</summary>
    internal void Decrypt()
    {
        using (NoSynchronizationContext.Enter())
        {
            if (_pending)
                adapter.Deliver();
            else
                StartRead();
        }
        if (_pending && !adapter.IsWaiting)
            throw new InvalidOperationException("The TLS engine waits for something other than the network.");
    }

    /// <summary>The connection closes: a read that is pending ends, so that the engine lets go of its buffers.</summary>
    internal void Abandon()
    {
        adapter.Ended = true;
        adapter.Incoming.Clear();
        using (NoSynchronizationContext.Enter())
            adapter.Deliver();
        _end = _start;
        Release();
    }

    private void StartRead()
    {
        if (_plain.Length == 0)
            _plain = ArrayPool<byte>.Shared.Rent(TlsRecord.MaxPlainLength);
        try
        {
            var read = ssl.ReadAsync(_plain.AsMemory());
            if (read.IsCompletedSuccessfully)
                Finish(read.Result);
            else
                _ = FinishAsync(read);
        }
        catch (Exception e) when (IsEnd(e))
        {
            Finish(0);
        }
    }

    private async Task FinishAsync(ValueTask<int> read)
    {
        _pending = true;
        var count = 0;
        try
        {
            count = await read.ConfigureAwait(false);
        }
        catch (Exception e) when (IsEnd(e))
        {
            // The same as an end that was announced: nothing can be read any more.
        }
        _pending = false;
        Finish(count);
    }

    private void Finish(int count)
    {
        _start = 0;
        _end = count;
        if (count > 0)
            return;
        Ended = true;
        Release();
    }

    private void Release()
    {
        if (_pending || _plain.Length == 0)
            return;
        ArrayPool<byte>.Shared.Return(_plain);
        _plain = [];
        _start = _end = 0;
    }

    private static bool IsEnd(Exception e) => e is IOException or ObjectDisposedException or InvalidOperationException;
}
