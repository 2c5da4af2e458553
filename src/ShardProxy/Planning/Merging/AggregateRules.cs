using System.Collections.Immutable;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Planning.Merging;

/// <summary>
/// The closed list of aggregates whose value over all shards is computed from one row of each, exactly as one PostgreSQL
/// holding all the rows computes it. Sums of floats depend on the order of their rows, here as there.
/// </summary>
/// <remarks>
/// ORDER BY inside an aggregate of this list changes nothing but for float sums, averages and variances: plan those as a
/// gather.
/// </remarks>
public static class AggregateRules
{
    private const string Float = "({0})::pg_catalog.float8";
    private const string Decimal = "({0})::pg_catalog.numeric";

    /// <param name="function">Unqualified name of an aggregate function of pg_catalog.</param>
    /// <param name="argumentType">0 for count(*). A domain counts as what it is based on.</param>
    /// <param name="collation">Of the argument.</param>
    /// <returns>Null when the aggregate is not in the list.</returns>
    public static AggregateRule? Find(string function, uint argumentType, CollationOrder collation) => function switch
    {
        "count" => new(Combination.Count, TypeOid.Int8, [new("count", argumentType == 0 ? null : "{0}", TypeOid.Int8)]),
        "sum" => Sum(argumentType),
        "avg" => Average(argumentType),
        "min" => Extreme(function, Combination.Minimum, argumentType, collation),
        "max" => Extreme(function, Combination.Maximum, argumentType, collation),
        "bool_and" or "every" when argumentType == TypeOid.Bool => Same(function, Combination.And, argumentType),
        "bool_or" when argumentType == TypeOid.Bool => Same(function, Combination.Or, argumentType),
        "bit_and" when IsBitwise(argumentType) => Same(function, Combination.BitAnd, argumentType),
        "bit_or" when IsBitwise(argumentType) => Same(function, Combination.BitOr, argumentType),
        "bit_xor" when IsBitwise(argumentType) => Same(function, Combination.BitXor, argumentType),
        "var_pop" => Variance(VarianceKind.Population, argumentType),
        "var_samp" or "variance" => Variance(VarianceKind.Sample, argumentType),
        "stddev_pop" => Variance(VarianceKind.PopulationDeviation, argumentType),
        "stddev_samp" or "stddev" => Variance(VarianceKind.SampleDeviation, argumentType),
        _ => null,
    };

    private static bool IsBitwise(uint type) => type is TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8;

    private static AggregateRule Same(string function, Combination combination, uint type) => new(combination, type, [new(function, "{0}", type)]);

    private static AggregateRule? Sum(uint type) => type switch
    {
        TypeOid.Int2 or TypeOid.Int4 => new(Combination.Sum, TypeOid.Int8, [new("sum", "{0}", TypeOid.Int8)]),
        TypeOid.Int8 or TypeOid.Numeric => new(Combination.Sum, TypeOid.Numeric, [new("sum", "{0}", TypeOid.Numeric)]),
        TypeOid.Float4 or TypeOid.Float8 => new(Combination.Sum, type, [new("sum", "{0}", type)]),
        _ => null,
    };

    private static AggregateRule? Average(uint type)
    {
        var count = new PartialValue("count", "{0}", TypeOid.Int8);
        return type switch
        {
            TypeOid.Int2 or TypeOid.Int4 => new(Combination.Average, TypeOid.Numeric, [new("sum", "{0}", TypeOid.Int8), count]),
            TypeOid.Int8 or TypeOid.Numeric => new(Combination.Average, TypeOid.Numeric, [new("sum", "{0}", TypeOid.Numeric), count]),
            TypeOid.Float4 or TypeOid.Float8 => new(Combination.Average, TypeOid.Float8, [new("sum", Float, TypeOid.Float8), count]),
            _ => null,
        };
    }

    private static AggregateRule? Variance(VarianceKind kind, uint type)
    {
        var count = new PartialValue("count", "{0}", TypeOid.Int8);
        switch (type)
        {
            case TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Numeric:
                var squares = new PartialValue("sum", $"{Decimal} OPERATOR(pg_catalog.*) {Decimal}", TypeOid.Numeric);
                return new(Combination.NumericVariance, TypeOid.Numeric, [count, new("sum", Decimal, TypeOid.Numeric), squares], kind);
            case TypeOid.Float4 or TypeOid.Float8:
                var deviations = new PartialValue("regr_sxx", $"{Float}, {Float}", TypeOid.Float8);
                return new(Combination.FloatVariance, TypeOid.Float8, [count, new("sum", Float, TypeOid.Float8), deviations], kind);
            default:
                return null;
        }
    }

    private static AggregateRule? Extreme(string function, Combination combination, uint type, CollationOrder collation)
    {
        // min(varchar) is min(text); bool, uuid, bytea and others have an order but no min and max.
        if (type == TypeOid.Varchar)
            type = TypeOid.Text;
        var exists = type is TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Oid or TypeOid.Float4 or TypeOid.Float8 or TypeOid.Numeric
            or TypeOid.Text or TypeOid.Bpchar or TypeOid.Date or TypeOid.Time or TypeOid.TimeTz or TypeOid.Timestamp or TypeOid.Timestamptz
            or TypeOid.Interval or TypeOid.Money or TypeOid.PgLsn or TypeOid.Xid8;
        if (!exists || !MergeTypes.CanOrder(type, collation))
            return null;
        var shown = new PartialValue(function, "{0}", type, IsShown: true);
        return new(combination, type, MergeTypes.ReadsText(type) ? [shown] : [shown, new(function, "{0}", type)]);
    }
}
