using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;

namespace ShardProxy.Tests.Sessions;

public sealed class FastBatchTests
{
    private const int MaxFrame = 1 << 20;

    private static readonly byte[] Parse = Of(static to => ParseMessage.Write(to, [], "SELECT $1"u8, [23u]));
    private static readonly byte[] Bind = Frame('B', [0, 0, 0, 0, 0, 0, 0, 0]);
    private static readonly byte[] BindNamedStatement = Frame('B', [0, (byte)'s', 0, 0, 0, 0, 0, 0, 0]);
    private static readonly byte[] BindNamedPortal = Frame('B', [(byte)'p', 0, 0, 0, 0, 0, 0, 0, 0]);
    private static readonly byte[] Describe = Of(static to => DescribeMessage.Write(to, PreparedKind.Portal, []));
    private static readonly byte[] DescribeStatement = Of(static to => DescribeMessage.Write(to, PreparedKind.Statement, []));
    private static readonly byte[] DescribeNamed = Of(static to => DescribeMessage.Write(to, PreparedKind.Portal, "p"u8));
    private static readonly byte[] Execute = Of(static to => ExecuteMessage.Write(to, [], 0));
    private static readonly byte[] ExecuteSome = Of(static to => ExecuteMessage.Write(to, [], 10));
    private static readonly byte[] ExecuteNamed = Of(static to => ExecuteMessage.Write(to, "p"u8, 0));
    private static readonly byte[] Sync = Of(SyncMessage.Write);
    private static readonly byte[] Flush = Of(FlushMessage.Write);

    private readonly FastBatch _batch = new();

    [Fact]
    public void The_four_batches_of_drivers()
    {
        foreach (var parse in (bool[])[false, true])
        {
            foreach (var describe in (bool[])[false, true])
            {
                byte[] bytes = [.. parse ? Parse : [], .. Bind, .. describe ? Describe : [], .. Execute, .. Sync];
                _batch.TryRead([.. bytes, 1, 2, 3], MaxFrame).ShouldBeTrue();
                _batch.Length.ShouldBe(bytes.Length);
                _batch.ParseLength.ShouldBe(parse ? Parse.Length : 0);
                _batch.HasDescribe.ShouldBe(describe);
                _batch.BindEnd.ShouldBe(_batch.ParseLength + Bind.Length);
                _batch.BindBody(bytes).ToArray().ShouldBe(Bind[5..]);
                for (var length = 0; length < bytes.Length; length++)
                    _batch.TryRead(bytes.AsSpan(0, length), MaxFrame).ShouldBeFalse();
            }
        }
    }

    [Fact]
    public void Of_random_messages_only_those()
    {
        byte[][] messages =
        [
            Parse, Bind, BindNamedStatement, BindNamedPortal, Describe, DescribeStatement, DescribeNamed, Execute, ExecuteSome, ExecuteNamed, Sync, Flush,
        ];
        var random = new Random(17);
        var legal = 0;
        for (var i = 0; i < 200_000; i++)
        {
            var picked = Enumerable.Range(0, random.Next(1, 6)).Select(_ => messages[random.Next(messages.Length)]).ToList();
            var expected = IsLegal(picked);
            legal += expected ? 1 : 0;
            _batch.TryRead(picked.SelectMany(static message => message).ToArray(), MaxFrame).ShouldBe(expected);
        }
        legal.ShouldBeGreaterThan(50);
    }

    [Fact]
    public void Random_bytes_are_never_one()
    {
        var random = new Random(23);
        var bytes = new byte[64];
        for (var i = 0; i < 20_000; i++)
        {
            random.NextBytes(bytes);
            _batch.TryRead(bytes, MaxFrame).ShouldBeFalse();
        }
    }

    private static bool IsLegal(List<byte[]> messages)
    {
        var i = 0;
        if (messages[i] == Parse)
            i++;
        if (i >= messages.Count || (messages[i] != Bind && messages[i] != BindNamedStatement))
            return false;
        i++;
        if (i < messages.Count && messages[i] == Describe)
            i++;
        return i + 1 < messages.Count && messages[i] == Execute && messages[i + 1] == Sync;
    }

    private static byte[] Frame(char type, byte[] body)
    {
        var length = body.Length + 4;
        return [(byte)type, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length, .. body];
    }

    private static byte[] Of(Action<ByteBuffer> write)
    {
        var buffer = new ByteBuffer();
        write(buffer);
        return buffer.Unread.ToArray();
    }
}
