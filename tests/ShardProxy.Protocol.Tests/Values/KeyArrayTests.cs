using System.Buffers.Binary;
using System.Text;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Protocol.Tests.Values;

public sealed class KeyArrayTests
{
    [Theory]
    [InlineData("{}", "")]
    [InlineData(" { } ", "")]
    [InlineData("{1,2,NULL}", "1|2|<null>")]
    [InlineData("{ 1 , null,\"NULL\" }", "1|<null>|NULL")]
    [InlineData("{{1,2},{3,4}}", "1|2|3|4")]
    [InlineData("[0:1]={7,8}", "7|8")]
    [InlineData("[1:1][-2:-1]={{7,8}}", "7|8")]
    [InlineData("{\"a,b\",\"c\\\"d\",\"\",e\\,f,g h }", "a,b|c\"d||e,f|g h")]
    [InlineData("{\"}\",\" x \"}", "}| x ")]
    [InlineData("{\\N\\ULL}", "NULL")]
    public void A_literal_is_taken_apart(string text, string elements) => Read(false, Encoding.UTF8.GetBytes(text)).ShouldBe(elements);

    [Theory]
    [InlineData("")]
    [InlineData("1,2")]
    [InlineData("{")]
    [InlineData("{1")]
    [InlineData("{1,")]
    [InlineData("{1,}")]
    [InlineData("{,1}")]
    [InlineData("{1}}")]
    [InlineData("{1} x")]
    [InlineData("{1}{2}")]
    [InlineData("{\"a}")]
    [InlineData("{\"a\"b}")]
    [InlineData("{a\"b\"}")]
    [InlineData("{a{1}}")]
    [InlineData("{a\\")]
    [InlineData("[x]={1}")]
    public void A_malformed_literal_is_none(string text) => Read(false, Encoding.UTF8.GetBytes(text)).ShouldBe("malformed");

    [Fact]
    public void The_binary_format_is_taken_apart()
    {
        Read(true, Binary(23, [2, 2], "a", null, "", "bcd")).ShouldBe("a|<null>||bcd");
        Read(true, Binary(23, [])).ShouldBe("");
        KeyArray.TryRead(true, Binary(2950, [1], "x"), out var array).ShouldBeTrue();
        array.ElementType.ShouldBe(TypeOid.Uuid);
    }

    [Fact]
    public void A_malformed_binary_array_is_none()
    {
        var sound = Binary(23, [2], "a", null);
        for (var length = 0; length < sound.Length; length++)
            Read(true, sound[..length]).ShouldBe("malformed");
        Read(true, [.. sound, 0]).ShouldBe("malformed");
        Read(true, Binary(23, [int.MaxValue, int.MaxValue])).ShouldBe("malformed");
        Read(true, Binary(23, [-1])).ShouldBe("malformed");
    }

    [Fact]
    public void Random_input_never_throws()
    {
        var random = new Random(3);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(40)];
            for (var at = 0; at < bytes.Length; at++)
                bytes[at] = random.Next(4) == 0 ? (byte)random.Next(256) : (byte)"{},\"\\ 1a\0\0\0\u0001N[]="[random.Next(16)];
            if (bytes.Length > 0 && random.Next(2) == 0)
                bytes[0] = (byte)'{';
            Read(false, bytes);
            Read(true, bytes);
        }
    }

    private static string Read(bool binary, byte[] value)
    {
        if (!KeyArray.TryRead(binary, value, out var array))
            return "malformed";
        var elements = new List<string>();
        while (array.TryNext(out var element, out var isNull))
            elements.Add(isNull ? "<null>" : Encoding.UTF8.GetString(element));
        array.Dispose();
        return string.Join('|', elements);
    }

    private static byte[] Binary(int elementType, int[] sizes, params string?[] elements)
    {
        var bytes = new List<byte>();
        Int(sizes.Length);
        Int(0);
        Int(elementType);
        foreach (var size in sizes)
        {
            Int(size);
            Int(1);
        }
        foreach (var element in elements)
        {
            Int(element?.Length ?? -1);
            bytes.AddRange(Encoding.ASCII.GetBytes(element ?? ""));
        }
        return [.. bytes];

        void Int(int value)
        {
            Span<byte> four = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(four, value);
            bytes.AddRange(four);
        }
    }
}
