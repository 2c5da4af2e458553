using System.Threading.Tasks.Sources;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Transport.Tls;

/// <summary>
/// What <see cref="System.Net.Security.SslStream"/> believes to be the network: two buffers of ciphertext. Writes go to
/// <see cref="Outgoing"/> and complete at once. A read gets one whole record and never more, so that nothing which has
/// arrived hides in the engine's own buffer; without a whole record it stays pending until <see cref="Deliver"/>.
/// </summary>
internal sealed class TlsStreamAdapter : Stream, IValueTaskSource<int>
{
    private ManualResetValueTaskSourceCore<int> _source;
    private Memory<byte> _waiting;
    private bool _isWaiting;

    /// <summary>Bytes of a record of which the front was handed out already.</summary>
    private int _restOfRecord;

    /// <summary>Ciphertext that arrived.</summary>
    internal ByteBuffer Incoming { get; } = new();

    /// <summary>Ciphertext to be sent.</summary>
    internal ByteBuffer Outgoing { get; } = new();

    /// <summary>The stream below has ended: reads get what is left, then its end.</summary>
    internal bool Ended { get; set; }

    internal bool IsWaiting => _isWaiting;

    /// <summary>A read would complete at once: a whole record is there, the rest of one, or the end.</summary>
    internal bool HasRecord => Ended || AvailableLength() > 0;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Completes a pending read when it can be. The engine's continuations run inside this call.</summary>
    internal void Deliver()
    {
        if (!_isWaiting || !HasRecord)
            return;
        var count = Take(_waiting.Span);
        _waiting = default;
        _isWaiting = false;
        _source.SetResult(count);
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return new ValueTask<int>(0);
        if (HasRecord)
            return new ValueTask<int>(Take(buffer.Span));
        _source.Reset();
        _waiting = buffer;
        _isWaiting = true;
        return new ValueTask<int>(this, _source.Version);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Outgoing.Write(buffer.Span);
        return default;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        Outgoing.Write(buffer.AsSpan(offset, count));
        return Task.CompletedTask;
    }

    public override void Write(byte[] buffer, int offset, int count) => Outgoing.Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => Outgoing.Write(buffer);

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("A loop never blocks.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    int IValueTaskSource<int>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private int AvailableLength()
    {
        if (Ended)
            return Incoming.Count;
        return _restOfRecord > 0 ? Math.Min(_restOfRecord, Incoming.Count) : TlsRecord.CompleteLength(Incoming.Unread);
    }

    private int Take(Span<byte> buffer)
    {
        var available = AvailableLength();
        var count = Math.Min(available, buffer.Length);
        Incoming.Unread[..count].CopyTo(buffer);
        Incoming.Consume(count);
        _restOfRecord = available - count;
        return count;
    }
}
