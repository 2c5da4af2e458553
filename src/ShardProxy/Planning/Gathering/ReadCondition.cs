using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// SQL over the columns of one table, which is "gathered" in it, that every row must meet to matter. Where a parameter
/// stands its value is put in for each execution, as a constant of the parameter's type.
/// </summary>
/// <param name="Pieces">In order; a parameter's value follows a piece's text.</param>
public sealed record ReadCondition(ImmutableArray<ConditionPiece> Pieces)
{
    /// <summary>Stands on both sides of a parameter's number in text that is still being written; no constant in such text has it.</summary>
    internal const char Mark = '\u0001';

    /// <summary>With $n for the parameters: tells conditions apart.</summary>
    public string Text => Render(static number => string.Create(CultureInfo.InvariantCulture, $"${number}"))!;

    public bool HasParameters => Pieces.Any(static piece => piece.Parameter > 0);

    /// <param name="valueOf">A parameter's value as SQL; null when it cannot be shown to a shard.</param>
    /// <returns>Null when a value is missing: the rows are not to be cut down by it then.</returns>
    public string? Render(Func<int, string?> valueOf)
    {
        var text = new StringBuilder();
        foreach (var piece in Pieces)
        {
            text.Append(piece.Text);
            if (piece.Parameter == 0)
                continue;
            if (valueOf(piece.Parameter) is not { } value)
                return null;
            text.Append(value);
        }
        return text.ToString();
    }

    internal static ReadCondition Of(string marked)
    {
        var parts = marked.Split(Mark);
        var pieces = ImmutableArray.CreateBuilder<ConditionPiece>((parts.Length + 1) / 2);
        for (var index = 0; index < parts.Length; index += 2)
            pieces.Add(new ConditionPiece(parts[index], index + 1 < parts.Length ? int.Parse(parts[index + 1], NumberStyles.None, CultureInfo.InvariantCulture) : 0));
        return new ReadCondition(pieces.ToImmutable());
    }

    internal static string Marked(int parameter) => string.Create(CultureInfo.InvariantCulture, $"{Mark}{parameter}{Mark}");
}

/// <param name="Parameter">From 1; 0 for none.</param>
public readonly record struct ConditionPiece(string Text, int Parameter);
