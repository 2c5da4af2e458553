using ShardProxy.Planning.Merging;

namespace ShardProxy.IntegrationTests.Merging;

/// <summary>One aggregate as a planner would decompose it: rows of (g, partials…).</summary>
internal sealed class AggregatePlan
{
    private readonly string _function;
    private readonly string _type;
    private readonly AggregateRule _rule;

    public AggregatePlan(string function, string type)
    {
        _function = function;
        _type = type;
        _rule = AggregateRules.Find(function, TypeSamples.Ordered[type], CollationOrder.Bytewise)!;
    }

    /// <summary>
    /// The column, and where equal values can look different (1.0 and 1.00) their one form: which of them an aggregate shows is chance, in PostgreSQL too.
    /// </summary>
    public string Argument => _type switch
    {
        "text" or "varchar" or "bpchar" or "name" => "v COLLATE \"C\"",
        "numeric" when IsExtreme => "trim_scale(v)",
        "interval" => "justify_interval(v)",
        "float4" when IsExtreme => "(v + 0::float4)",
        "float8" when IsExtreme => "(v + 0::float8)",
        _ => "v",
    };

    /// <summary>Rounding in binary: equal to the last bits only.</summary>
    public bool DependsOnOrder => _rule.Combination == Combination.FloatVariance;

    /// <summary>Values left out of the rows: those for which the function itself fails.</summary>
    public string Excluded => _type == "interval" ? "'178000000 years','-178000000 years'" : _rule.Combination == Combination.FloatVariance ? "'NaN','Infinity','-Infinity'" : "";

    private bool IsExtreme => _rule.Combination is Combination.Minimum or Combination.Maximum;

    public string Call(string filter, bool distinct = false) => $"{_function}({(distinct ? "DISTINCT " : "")}{Argument}) {filter}";

    public string Partials(string filter, bool distinct = false) => string.Join(", ", _rule.Partials.Select(partial =>
        $"pg_catalog.{partial.Function}({(distinct ? "DISTINCT " : "")}{partial.Argument!.Replace("{0}", Argument)}) {filter}"));

    public MergeSpec Spec(bool sorted)
    {
        var spec = new MergeSpec(Columns(), VisibleCount: 2) { Group = Group([0], sorted, -1) };
        return sorted ? spec with { Order = [new(0, false, false)] } : spec;
    }

    public MergeSpec Ungrouped() => new(Columns(), VisibleCount: 2) { Group = Group([], sorted: false, -1) };

    public MergeSpec DistinctSpec()
    {
        var columns = Columns().Add(RowColumn.Hidden(TypeSamples.Ordered[_type] == 1043 ? 25u : TypeSamples.Ordered[_type]));
        return new MergeSpec(columns, VisibleCount: 2)
        {
            Order = [new(0, false, false), new(columns.Length - 1, false, false)],
            Group = Group([0], sorted: true, columns.Length - 1),
        };
    }

    private System.Collections.Immutable.ImmutableArray<RowColumn> Columns() =>
        [new RowColumn(23, 0), .. _rule.Partials.Select(static partial => partial.IsShown ? new RowColumn(partial.Type, 1) : RowColumn.Hidden(partial.Type))];

    private GroupSpec Group(System.Collections.Immutable.ImmutableArray<int> keys, bool sorted, int distinctColumn)
    {
        var partials = Enumerable.Range(1, _rule.Partials.Length);
        return new GroupSpec(
            keys,
            sorted,
            [new AggregateSpec(_rule, [.. partials]) { DistinctColumn = distinctColumn }],
            [new FirstValueOutput(new(23, 0), 0), new AggregateOutput(new(_rule.ResultType, 1), 0)]);
    }
}
