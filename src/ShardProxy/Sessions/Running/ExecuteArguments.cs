using System.Text;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Statements;

namespace ShardProxy.Sessions.Running;

/// <summary>The arguments of an SQL EXECUTE as text values, taken out of its text before the scanner turns to another.</summary>
public sealed class ExecuteArguments
{
    private readonly ArgumentValue[] _values;

    private readonly bool _isConverted;

    private ExecuteArguments(ArgumentValue[] values, bool isConverted)
    {
        _values = values;
        _isConverted = isConverted;
    }

    /// <param name="scanner">Has just read <paramref name="sql"/>.</param>
    public static ExecuteArguments Read(ExecutePlan plan, ReadOnlySpan<byte> sql, ShapeScanner scanner, bool isConverted)
    {
        var values = new ArgumentValue[plan.Arguments.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = Read(plan.Arguments[i], sql, scanner);
        return new ExecuteArguments(values, isConverted);
    }

    public StatementValues Values(ReadOnlySpan<byte> body, ShapeScanner scanner, uint[] parameterTypes, KeyPlaces? places) =>
        new(body, scanner, _values, parameterTypes) { IsConverted = _isConverted, Places = places };

    private static ArgumentValue Read(KeyTerm? term, ReadOnlySpan<byte> sql, ShapeScanner scanner)
    {
        switch (term)
        {
            case ConstantTerm { Text: null }:
                return ArgumentValue.Null;
            case ConstantTerm constant:
                return ArgumentValue.Of(Encoding.UTF8.GetBytes(constant.Text));
            case LiteralTerm literal when scanner.GetSlot(literal.Slot) is { LiteralCount: 1 } slot
                && LiteralText.TryDecode(sql, scanner.GetLiteral(slot.FirstLiteral), new ByteBuffer(), out var value):
                return ArgumentValue.Of(literal.Negated ? [.. "-"u8, .. value] : value.ToArray());
            default:
                return ArgumentValue.Unknown;
        }
    }
}
