using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Protocol.Tests.Messages;

public sealed class StartupPacketTests
{
    private readonly ByteBuffer _buffer = new();

    [Fact]
    public void A_session_carries_version_and_parameters()
    {
        StartupPacket.WriteStartup(_buffer, StartupPacket.Version32, [new("user", "app"), new("options", "")]);
        StartupPacket.TryRead(_buffer.Unread, out var packet, out var length).ShouldBe(FrameStatus.Complete);
        length.ShouldBe(_buffer.Count);
        packet.Kind.ShouldBe(StartupKind.Startup);
        (packet.MajorVersion, packet.MinorVersion).ShouldBe((3, 2));
        packet.Parameters.ToList().ShouldBe([new("user", "app"), new("options", "")]);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(4, true)]
    [InlineData(256, true)]
    [InlineData(0, false)]
    public void A_cancel_request_carries_a_key_of_any_length_up_to_256(int keyLength, bool sound)
    {
        StartupPacket.WriteCancelRequest(_buffer, 42, new byte[keyLength]);
        var status = StartupPacket.TryRead(_buffer.Unread, out var packet, out _);
        status.ShouldBe(sound ? FrameStatus.Complete : FrameStatus.Malformed);
        if (!sound)
            return;
        packet.Kind.ShouldBe(StartupKind.CancelRequest);
        packet.ProcessId.ShouldBe(42);
        packet.CancelKey.Length.ShouldBe(keyLength);
    }

    [Fact]
    public void Encryption_requests_are_told_apart()
    {
        StartupPacket.WriteSslRequest(_buffer);
        StartupPacket.WriteGssEncRequest(_buffer);
        StartupPacket.TryRead(_buffer.Unread, out var packet, out var length).ShouldBe(FrameStatus.Complete);
        packet.Kind.ShouldBe(StartupKind.SslRequest);
        StartupPacket.TryRead(_buffer.Unread[length..], out packet, out _).ShouldBe(FrameStatus.Complete);
        packet.Kind.ShouldBe(StartupKind.GssEncRequest);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 7 }, FrameStatus.Malformed)]
    [InlineData(new byte[] { 0, 0, 0x27, 0x15 }, FrameStatus.Malformed)] // 10,005
    [InlineData(new byte[] { 0, 0, 0x27, 0x14 }, FrameStatus.Incomplete)] // 10,004
    [InlineData(new byte[] { 0x16, 3, 1, 0 }, FrameStatus.Malformed)] // a TLS ClientHello
    [InlineData(new byte[] { 0, 0, 0, 9, 0, 3, 0, 0, 0 }, FrameStatus.Complete)]
    [InlineData(new byte[] { 0, 0, 0, 8, 0, 3, 0, 0 }, FrameStatus.Malformed)] // no terminator
    [InlineData(new byte[] { 0, 0, 0, 10, 0, 3, 0, 0, 0, 0 }, FrameStatus.Malformed)] // one too many
    [InlineData(new byte[] { 0, 0, 0, 12, 0, 3, 0, 0, 65, 0, 66, 0 }, FrameStatus.Malformed)] // no end of the list
    public void Lengths_and_terminators_are_checked(byte[] data, FrameStatus expected) =>
        StartupPacket.TryRead(data, out _, out _).ShouldBe(expected);

    [Fact]
    public void Another_major_version_is_not_read_further()
    {
        StartupPacket.TryRead([0, 0, 0, 9, 0, 2, 0, 0, 77], out var packet, out _).ShouldBe(FrameStatus.Complete);
        packet.Kind.ShouldBe(StartupKind.UnsupportedVersion);
    }
}
