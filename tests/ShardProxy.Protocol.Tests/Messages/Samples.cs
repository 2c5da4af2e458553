using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Protocol.Tests.Messages;

/// <summary>A whole frame of each kind of message with fields, as the writers make it.</summary>
internal static class Samples
{
    public static IReadOnlyList<Sample> All { get; } =
    [
        Make(to => ParseMessage.Write(to, "stmt"u8, "select $1"u8, 23, 25), static body => ParseMessage.TryRead(body, out _)),
        Make(to => BindMessage.Write(to, "portal"u8, "stmt"u8, [0, 1], ["abc"u8.ToArray(), null], [1]), static body => BindMessage.TryRead(body, out _)),
        Make(to => DescribeMessage.Write(to, PreparedKind.Portal, "portal"u8), static body => DescribeMessage.TryRead(body, out _)),
        Make(to => ExecuteMessage.Write(to, "portal"u8, 100), static body => ExecuteMessage.TryRead(body, out _)),
        Make(to => QueryMessage.Write(to, "select 1"u8), static body => QueryMessage.TryRead(body, out _)),
        Make(to => FunctionCallMessage.Write(to, 952, 1, [[0, 0, 0, 1], null]), static body => FunctionCallMessage.TryRead(body, out _)),
        Make(to => CopyDataMessage.Write(to, "1\t2\n"u8), static body => CopyDataMessage.TryRead(body, out _)),
        Make(to => CopyFailMessage.Write(to, "no more"u8), static body => CopyFailMessage.TryRead(body, out _)),
        Make(to => AuthenticationMessage.WriteSasl(to, "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"), static body => AuthenticationMessage.TryRead(body, out _)),
        Make(to => BackendKeyDataMessage.Write(to, 4711, [1, 2, 3, 4, 5, 6]), static body => BackendKeyDataMessage.TryRead(body, out _)),
        Make(to => DataRowMessage.Write(to, "a", null, ""), static body => DataRowMessage.TryRead(body, out _)),
        Make(to => new ServerError("42601", "bad") { Detail = "d", Position = 3 }.WriteError(to), static body => ErrorResponseMessage.TryRead(body, out _)),
        Make(to => new ServerError("00000", "hello") { Severity = "NOTICE" }.WriteNotice(to), static body => NoticeResponseMessage.TryRead(body, out _)),
        Make(to => FunctionCallResponseMessage.Write(to, "x"u8), static body => FunctionCallResponseMessage.TryRead(body, out _)),
        Make(to => NegotiateProtocolVersionMessage.Write(to, StartupPacket.Version30, ["_pq_.x", "_pq_.y"]), static body => NegotiateProtocolVersionMessage.TryRead(body, out _)),
        Make(to => NotificationResponseMessage.Write(to, 1, "channel"u8, "payload"u8), static body => NotificationResponseMessage.TryRead(body, out _)),
        Make(to => ParameterDescriptionMessage.Write(to, 23, 2950), static body => ParameterDescriptionMessage.TryRead(body, out _)),
        Make(to => ParameterStatusMessage.Write(to, "TimeZone"u8, "UTC"u8), static body => ParameterStatusMessage.TryRead(body, out _)),
        Make(to => ReadyForQueryMessage.Write(to, TransactionStatus.InTransaction), static body => ReadyForQueryMessage.TryRead(body, out _)),
        Make(to => RowDescriptionMessage.Write(to, new FieldDescription("id", 23, 4), new FieldDescription("name", 25, -1, -1, 1, 16384, 2)), static body => RowDescriptionMessage.TryRead(body, out _)),
        Make(to => CopyInResponseMessage.Write(to, true, 3), static body => CopyInResponseMessage.TryRead(body, out _)),
    ];

    private static Sample Make(Action<ByteBuffer> write, Reader read)
    {
        var buffer = new ByteBuffer();
        write(buffer);
        return new Sample(buffer.Unread.ToArray(), read);
    }
}

internal delegate bool Reader(ReadOnlySpan<byte> body);

internal sealed record Sample(byte[] Frame, Reader TryRead);
