using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Protocol.Tests.Messages;

/// <summary>Whatever the bytes are, reading a message answers and never throws; what was accepted can be walked to its end.</summary>
public sealed class FuzzTests
{
    private static readonly Reader[] Readers =
    [
        ReadParse, ReadBind, ReadFunctionCall, ReadRowDescription, ReadParameterDescription, ReadDataRow, ReadErrors,
        ReadAuthentication, ReadNegotiation, ReadStartup, ReadCopyShape, ReadCommandComplete,
        body => DescribeMessage.TryRead(body, out _),
        body => CloseMessage.TryRead(body, out _),
        body => ExecuteMessage.TryRead(body, out _),
        body => QueryMessage.TryRead(body, out _),
        body => PasswordMessage.TryRead(body, out _),
        body => CopyFailMessage.TryRead(body, out _),
        body => SaslInitialResponseMessage.TryRead(body, out _),
        body => SaslResponseMessage.TryRead(body, out _),
        body => SyncMessage.TryRead(body, out _),
        body => BackendKeyDataMessage.TryRead(body, out _),
        body => NotificationResponseMessage.TryRead(body, out _),
        body => ParameterStatusMessage.TryRead(body, out _),
        body => ReadyForQueryMessage.TryRead(body, out _),
        body => FunctionCallResponseMessage.TryRead(body, out _),
        body => CopyDataMessage.TryRead(body, out _),
    ];

    [Fact]
    public void Random_bodies_never_throw()
    {
        var random = new Random(1);
        var accepted = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var body = new byte[random.Next(0, 60)];
            random.NextBytes(body);
            // Mostly small numbers, so that counts and lengths are often possible ones.
            for (var at = 0; at < body.Length; at++)
            {
                if (random.Next(3) != 0)
                    body[at] = (byte)random.Next(3);
            }
            foreach (var reader in Readers)
                accepted += reader(body) ? 1 : 0;
        }
        accepted.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Mutated_messages_never_throw()
    {
        var random = new Random(2);
        foreach (var (seed, _) in Samples.All)
        {
            for (var i = 0; i < 1_000; i++)
            {
                var body = seed.AsSpan(Frame.HeaderLength).ToArray();
                for (var n = random.Next(1, 4); n > 0 && body.Length > 0; n--)
                {
                    if (random.Next(4) == 0)
                        Array.Resize(ref body, random.Next(body.Length + 8));
                    else
                        body[random.Next(body.Length)] = (byte)(random.Next(2) == 0 ? random.Next(256) : random.Next(3));
                }
                foreach (var reader in Readers)
                    reader(body);
            }
        }
    }

    [Fact]
    public void Every_sample_is_read_and_none_of_its_beginnings_is()
    {
        foreach (var (sample, tryRead) in Samples.All)
        {
            var body = sample.AsSpan(Frame.HeaderLength);
            Frame.TryRead(sample, sample.Length, out _, out var length).ShouldBe(FrameStatus.Complete);
            length.ShouldBe(sample.Length);
            tryRead(body).ShouldBeTrue($"message '{(char)sample[0]}'");
            if ((char)sample[0] is 'd' or 'K' or 'R')
                continue;
            for (var cut = 0; cut < body.Length; cut++)
                tryRead(body[..cut]).ShouldBeFalse($"message '{(char)sample[0]}' cut at {cut}");
            tryRead([.. body, 0]).ShouldBeFalse($"message '{(char)sample[0]}' with a byte too many");
        }
    }

    private static bool ReadParse(ReadOnlySpan<byte> body)
    {
        if (!ParseMessage.TryRead(body, out var message))
            return false;
        for (var i = 0; i <= message.ParameterTypeCount; i++)
            message.GetParameterType(i);
        return true;
    }

    private static bool ReadBind(ReadOnlySpan<byte> body)
    {
        if (!BindMessage.TryRead(body, out var message))
            return false;
        Walk(message.Parameters);
        for (var i = 0; i < message.ParameterCount; i++)
            message.ParameterFormat(i);
        return true;
    }

    private static bool ReadFunctionCall(ReadOnlySpan<byte> body)
    {
        if (!FunctionCallMessage.TryRead(body, out var message))
            return false;
        Walk(message.Arguments);
        return true;
    }

    private static bool ReadDataRow(ReadOnlySpan<byte> body)
    {
        if (!DataRowMessage.TryRead(body, out var message))
            return false;
        Walk(message.Columns);
        return true;
    }

    private static void Walk(ValueCursor values)
    {
        for (var i = values.Count - 1; i >= 0; i -= 1 + (i / 8))
            values.TryGet(i, out _, out _).ShouldBeTrue();
    }

    private static bool ReadRowDescription(ReadOnlySpan<byte> body)
    {
        if (!RowDescriptionMessage.TryRead(body, out var message))
            return false;
        var count = 0;
        foreach (var field in message)
        {
            count++;
            (field.TypeOidOffset + 4).ShouldBeLessThanOrEqualTo(body.Length);
            _ = field.TableOid + field.TypeOid + field.Format + field.TypeLength + field.TypeModifier + field.ColumnNumber;
        }
        count.ShouldBe(message.Count);
        return true;
    }

    private static bool ReadParameterDescription(ReadOnlySpan<byte> body)
    {
        if (!ParameterDescriptionMessage.TryRead(body, out var message))
            return false;
        for (var i = 0; i < message.Count; i++)
            message.GetType(i);
        return true;
    }

    private static bool ReadErrors(ReadOnlySpan<byte> body)
    {
        if (!ErrorResponseMessage.TryRead(body, out var message))
            return false;
        var error = ServerError.From(message.Fields);
        error.WriteError(new ByteBuffer());
        return NoticeResponseMessage.TryRead(body, out _);
    }

    private static bool ReadAuthentication(ReadOnlySpan<byte> body)
    {
        if (!AuthenticationMessage.TryRead(body, out var message))
            return false;
        message.Offers("SCRAM-SHA-256"u8);
        return true;
    }

    private static bool ReadNegotiation(ReadOnlySpan<byte> body)
    {
        // The count is bounded by the body, or a hostile one would allocate.
        return NegotiateProtocolVersionMessage.TryRead(body, out var message) && message.GetOptions().Length == message.OptionCount;
    }

    private static bool ReadStartup(ReadOnlySpan<byte> body)
    {
        if (StartupPacket.TryRead(body, out var packet, out var length) != FrameStatus.Complete)
            return false;
        length.ShouldBeInRange(8, body.Length);
        packet.Parameters.ToList();
        return true;
    }

    private static bool ReadCopyShape(ReadOnlySpan<byte> body)
    {
        if (!CopyInResponseMessage.TryRead(body, out var message))
            return false;
        for (var i = 0; i < message.Shape.Columns.Count; i++)
            _ = message.Shape.Columns[i];
        return true;
    }

    private static bool ReadCommandComplete(ReadOnlySpan<byte> body)
    {
        if (!CommandCompleteMessage.TryRead(body, out var message))
            return false;
        message.TryGetRowCount(out _);
        return true;
    }
}
