using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Statements;

namespace ShardProxy.Sessions.Writing;

/// <summary>Refuses strings that each shard may read as another time.</summary>
internal static class ClockWordCheck
{
    public static void Check(in StatementValues values)
    {
        ByteBuffer? scratch = null;
        for (var index = 0; index < values.Scanner.LiteralCount; index++)
        {
            var literal = values.Scanner.GetLiteral(index);
            if (values.Text[literal.Start] is >= (byte)'0' and <= (byte)'9')
                continue;
            if (LiteralText.TryDecode(values.Text, literal, scratch ??= new ByteBuffer(), out var text) && ClockTexts.IsOne(text))
                throw Refusal(text);
        }
    }

    public static void Check(in BindMessage bind)
    {
        for (var index = 0; index < bind.ParameterCount; index++)
        {
            if (!bind.IsBinary(index) && bind.TryGetParameter(index, out var text, out var isNull) && !isNull && ClockTexts.IsOne(text))
                throw Refusal(text);
        }
    }

    private static SqlErrorException Refusal(ReadOnlySpan<byte> text) => new(
        SqlStates.FeatureNotSupported,
        $"'{Encoding.UTF8.GetString(text)}' may be read as the time at which a shard reads it, and the statement runs on several",
        "Write now(), CURRENT_DATE or a constant instead.");
}
