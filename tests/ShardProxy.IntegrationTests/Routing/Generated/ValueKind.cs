namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>
/// What an expression can be used for. A loose kind has values that are equal and look different (1.0 and 1.00): which of
/// them a group shows is open, so they are not computed with, and answers that show them are compared in a common form.
/// </summary>
internal enum ValueKind
{
    /// <summary>Integers small enough to be computed with.</summary>
    Small,

    /// <summary>Integers up to the end of their type.</summary>
    Wide,
    Number,
    LooseNumber,

    /// <summary>Binary fractions, whose sums are exact in any order.</summary>
    Float,
    LooseFloat,
    Text,

    /// <summary>Text under the collation "C".</summary>
    PlainText,

    /// <summary>Text that a language's rules put in order.</summary>
    LanguageText,

    /// <summary>Text whose upper and lower case are equal.</summary>
    LooseText,
    Padded,
    Bool,
    Date,
    Timestamp,
    Instant,
    LooseInterval,
    Time,
    Uuid,
    Bytes,
    Mood,
    Money,
    Address,
    Numbers,
    Range,
    Pair,
    Document,

    /// <summary>No equality: json, point.</summary>
    Opaque,
}

internal static class ValueKindTraits
{
    public static bool IsLoose(this ValueKind kind) =>
        kind is ValueKind.LooseNumber or ValueKind.LooseFloat or ValueKind.LooseText or ValueKind.LooseInterval;

    /// <summary>Has =, an order, DISTINCT and GROUP BY.</summary>
    public static bool IsOrdered(this ValueKind kind) => kind != ValueKind.Opaque;

    /// <summary>Has min() and max().</summary>
    public static bool HasExtremes(this ValueKind kind) =>
        kind is not (ValueKind.Opaque or ValueKind.Bool or ValueKind.Uuid or ValueKind.Bytes or ValueKind.Range or ValueKind.Pair or ValueKind.Document);
}
