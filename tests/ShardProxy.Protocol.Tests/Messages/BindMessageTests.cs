using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Protocol.Tests.Messages;

public sealed class BindMessageTests
{
    private readonly ByteBuffer _buffer = new();

    [Fact]
    public void Parameters_are_found_in_any_order()
    {
        BindMessage.Write(_buffer, "p"u8, "s"u8, [1], [[1, 2], null, [], [3]], [0, 1]);
        BindMessage.TryRead(_buffer.Unread[Frame.HeaderLength..], out var bind).ShouldBeTrue();
        bind.ParameterCount.ShouldBe(4);
        bind.IsBinary(3).ShouldBeTrue();
        var cursor = bind.Parameters;
        cursor.TryGet(3, out var value, out var isNull).ShouldBeTrue();
        value.ToArray().ShouldBe([3]);
        cursor.TryGet(1, out _, out isNull).ShouldBeTrue();
        isNull.ShouldBeTrue();
        cursor.TryGet(2, out value, out isNull).ShouldBeTrue();
        isNull.ShouldBeFalse();
        value.Length.ShouldBe(0);
        cursor.TryGet(4, out _, out _).ShouldBeFalse();
        bind.ResultFormats[1].ShouldBe((short)1);
    }

    [Fact]
    public void A_renamed_bind_keeps_what_stands_behind_the_names()
    {
        BindMessage.Write(_buffer, ""u8, "client_name"u8, [0, 1], ["a"u8.ToArray(), [0, 0, 0, 1]], []);
        BindMessage.TryRead(_buffer.Unread[Frame.HeaderLength..], out var bind).ShouldBeTrue();
        var renamed = new ByteBuffer();
        BindMessage.WriteRenamed(renamed, bind, "x"u8, "sp_1"u8);
        BindMessage.TryRead(renamed.Unread[Frame.HeaderLength..], out var again).ShouldBeTrue();
        again.Portal.SequenceEqual("x"u8).ShouldBeTrue();
        again.Statement.SequenceEqual("sp_1"u8).ShouldBeTrue();
        again.AfterNames.SequenceEqual(bind.AfterNames).ShouldBeTrue();
    }

    [Fact]
    public void Format_codes_that_fit_no_parameter_list_are_malformed()
    {
        BindMessage.Write(_buffer, ""u8, ""u8, [0, 1], [null, null, null], []);
        BindMessage.TryRead(_buffer.Unread[Frame.HeaderLength..], out _).ShouldBeFalse();
    }
}
