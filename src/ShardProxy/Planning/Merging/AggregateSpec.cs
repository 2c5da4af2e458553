using System.Collections.Immutable;

namespace ShardProxy.Planning.Merging;

/// <summary>An aggregate over shards; made from an <see cref="AggregateRule"/>.</summary>
/// <param name="Partials">Columns of the shards' rows, in the order of <see cref="AggregateRule.Partials"/>.</param>
public sealed record AggregateSpec(AggregateRule Rule, ImmutableArray<int> Partials)
{
    /// <summary>
    /// For an aggregate of DISTINCT values: the hidden column of the argument, by which the shards grouped too (GROUP BY keys,
    /// argument; the partials are <c>f(DISTINCT argument) FILTER (…)</c>), and which follows the keys in <see cref="MergeSpec.Order"/>. Of rows
    /// that are equal in it one counts. -1 for others, and for min, max, bool and bit aggregates, where DISTINCT changes nothing
    /// (bit_xor excepted).
    /// </summary>
    public int DistinctColumn { get; init; } = -1;
}

/// <summary>How partial values become one.</summary>
public enum Combination
{
    /// <summary>Partials: counts (int8).</summary>
    Count,

    /// <summary>Partial: a sum of the result's type, or of int8 as int8.</summary>
    Sum,

    /// <summary>Partials: sum and count.</summary>
    Average,

    /// <summary>Partials: count, sum, sum of squares as numeric.</summary>
    NumericVariance,

    /// <summary>Partials: count, sum, sum of squared deviations as float8.</summary>
    FloatVariance,

    /// <summary>Partials: the value to show, and where its text cannot be compared the same as a hidden column.</summary>
    Minimum,

    /// <summary>As <see cref="Minimum"/>.</summary>
    Maximum,

    /// <summary>Partial: bool.</summary>
    And,

    /// <summary>Partial: bool.</summary>
    Or,

    /// <summary>Partial: an integer.</summary>
    BitAnd,

    /// <summary>As <see cref="BitAnd"/>.</summary>
    BitOr,

    /// <summary>As <see cref="BitAnd"/>.</summary>
    BitXor,
}

/// <summary>Which of the variance family.</summary>
public enum VarianceKind
{
    None,
    Population,
    Sample,
    PopulationDeviation,
    SampleDeviation,
}

/// <summary>What a shard computes for an aggregate.</summary>
/// <param name="Function">Unqualified name of a function of pg_catalog.</param>
/// <param name="Argument">SQL in which every <c>{0}</c> stands for the argument in parentheses; null for count(*), which has none.</param>
/// <param name="Type">Object id of the partial value's type.</param>
/// <param name="IsShown">The value itself becomes the result, so it is fetched in the result column's format; all others are hidden.</param>
public sealed record PartialValue(string Function, string? Argument, uint Type, bool IsShown = false);

/// <summary>How one aggregate function of one argument type is computed over shards; found by <see cref="AggregateRules"/>.</summary>
/// <param name="ResultType">Object id of the function's result type.</param>
public sealed record AggregateRule(
    Combination Combination,
    uint ResultType,
    ImmutableArray<PartialValue> Partials,
    VarianceKind Variance = VarianceKind.None)
{
    /// <summary>The argument stands more than once in the partials, so a volatile one cannot be decomposed.</summary>
    public bool ArgumentRepeats => Partials.Length > 1 || Partials[0].Argument?.IndexOf("{0}", StringComparison.Ordinal) != Partials[0].Argument?.LastIndexOf("{0}", StringComparison.Ordinal);
}
