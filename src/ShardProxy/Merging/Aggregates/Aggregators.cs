using System.Collections.Immutable;
using ShardProxy.Merging.Rows;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

internal static class Aggregators
{
    public static Aggregator Build(AggregateSpec spec, ImmutableArray<RowColumn> columns, MergeBinding binding, MemoryBudget budget)
    {
        var aggregator = Build(spec.Rule, columns[spec.Partials[^1]], binding, budget);
        if (spec.DistinctColumn < 0)
            return aggregator;
        var argument = new RowIdentity([spec.DistinctColumn], columns, binding);
        return new DistinctValues(aggregator, argument, CountPartial(spec.Rule.Combination));
    }

    private static Aggregator Build(AggregateRule rule, RowColumn compared, MergeBinding binding, MemoryBudget budget)
    {
        var digits = binding.ExtraFloatDigits;
        return rule.Combination switch
        {
            Combination.Count => new IntegerSum(emptyIsZero: true),
            Combination.Sum => rule.ResultType switch
            {
                TypeOid.Int8 => new IntegerSum(emptyIsZero: false),
                TypeOid.Float4 => new FloatSum(single: true, digits),
                TypeOid.Float8 => new FloatSum(single: false, digits),
                _ => new NumericSum(ValueKind.Numeric, average: false),
            },
            Combination.Average when rule.ResultType == TypeOid.Float8 => new FloatAverage(digits),
            Combination.Average => new NumericSum(ValueKinds.Of(rule.Partials[0].Type), average: true),
            Combination.NumericVariance => new NumericVariance(rule.Variance),
            Combination.FloatVariance => new FloatVariance(rule.Variance, digits),
            Combination.Minimum or Combination.Maximum => new Extreme(
                ValueKinds.Of(compared.Type), binding.IsBinary(compared.ResultColumn), rule.Combination == Combination.Maximum, budget),
            Combination.And => new Truth(or: false),
            Combination.Or => new Truth(or: true),
            _ => new BitCombination(rule.Combination, ValueKinds.Of(rule.ResultType)),
        };
    }

    /// <summary>Which partial is the count of values; -1 where there is none, and null says that there was no value.</summary>
    private static int CountPartial(Combination combination) => combination switch
    {
        Combination.Count or Combination.NumericVariance or Combination.FloatVariance => 0,
        Combination.Average => 1,
        _ => -1,
    };
}
