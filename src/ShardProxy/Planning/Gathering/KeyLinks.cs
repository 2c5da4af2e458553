using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// Finds the <see cref="KeyLink"/>s of a statement. Each says of one table alone that leaving out its rows without a partner
/// among the rows of another changes nothing, whatever the tables hold; so they may be applied one after the other, each
/// to what the ones before have left.
/// </summary>
/// <param name="analysis">Of the same statement: says what names mean.</param>
internal sealed class KeyLinks(StatementAnalysis analysis)
{
    // Of tables that cut down a source: a chain of joins has no more than that, as a rule, and each step can fan out.
    private const int MaxDepth = 4;

    private readonly List<Candidate> _candidates = [];
    private readonly List<(TableUse Use, string Column)> _looked = [];

    // Evaluated for other rows, or less often, such a function would have done something else.
    private readonly bool _isOff = analysis.Findings is not { VolatileFunction: null, HomeFunction: null } || analysis.Findings.Traits != Traits.None;

    /// <summary>A row of the tables counts only if the condition is true.</summary>
    /// <param name="inside">Those of the tables that stand inside of subqueries and views.</param>
    /// <param name="names">What the condition can name of the SELECT's FROM; null for all.</param>
    public void Assume(Expression condition, Select select, IReadOnlyCollection<TableUse> tables, IReadOnlySet<FromTable> inside, JoinNames? names)
    {
        if (_isOff || tables.Count == 0 || !analysis.Names.SystemFirst || !analysis.Blocks.TryGetValue(select, out var block))
            return;
        foreach (var pair in Pairs(condition, block, names))
        {
            foreach (var table in tables)
            {
                Add(table, pair.Left, pair.Right);
                Add(table, pair.Right, pair.Left);
            }
        }

        void Add(TableUse table, Origin target, Origin source)
        {
            // Inside of a subquery a table must also give its column to every row of the subquery.
            if (ReferenceEquals(table.Item, target.Table) && !ReferenceEquals(source.Table, target.Table) && !(target.IsNullable && inside.Contains(table.Item)))
                _candidates.Add(new Candidate(table, target.Column, source));
        }
    }

    /// <summary>Columns by which a subquery finds rows of the tables for each row around it.</summary>
    public void NoteLookups(Expression? where, Select select, IReadOnlyCollection<TableUse> tables)
    {
        if (where is null || tables.Count == 0 || !analysis.Names.SystemFirst || !analysis.Blocks.TryGetValue(select, out var block))
            return;
        foreach (var (left, right) in Pairs(where, block, null))
        {
            Note(left, right);
            Note(right, left);
        }

        void Note(Origin own, Origin outer)
        {
            if (!IsAround(outer, block))
                return;
            foreach (var table in tables)
            {
                if (table.IsRead && ReferenceEquals(table.Item, own.Table))
                    _looked.Add((table, own.Column));
            }
        }
    }

    /// <summary>Columns of reads that are worth an index where there are many rows.</summary>
    public ImmutableArray<ReadColumn> Lookups(Func<TableUse, int> readOf) =>
        [.. _looked.Where(static look => look.Use.Find(look.Column) is { } column && IsIndexable(column.TypeOid)).Select(look => new ReadColumn(readOf(look.Use), look.Column)).Distinct()];

    /// <summary>What has been found, of the reads that can be cut down by it and with sources whose rows are at hand.</summary>
    /// <param name="uses">All uses of tables of which something is known.</param>
    public ImmutableArray<KeyLink> Resolve(IReadOnlyCollection<TableUse> uses, Func<TableUse, int> readOf)
    {
        var links = ImmutableArray.CreateBuilder<KeyLink>();
        var byItem = new Dictionary<FromTable, TableUse>(ReferenceEqualityComparer.Instance);
        foreach (var use in uses)
            byItem[use.Item] = use;
        foreach (var group in uses.Where(static use => use.IsRead).GroupBy(readOf))
        {
            // One table serves all places that read the same rows: each of them must be able to do without.
            List<KeyLink>? common = null;
            foreach (var use in group)
            {
                var own = LinksOf(use, group.Key, byItem, readOf, []);
                common = common is null ? own : common.FindAll(link => own.Exists(other => Identity(other) == Identity(link)));
            }
            links.AddRange(common ?? []);
        }
        return links.ToImmutable();
    }

    private static string Identity(KeyLink link) => $"{link.Column} = {link.Source.Key}";

    /// <param name="on">The tables on the way here: none of them is a source again.</param>
    private List<KeyLink> LinksOf(TableUse use, int read, Dictionary<FromTable, TableUse> byItem, Func<TableUse, int> readOf, ImmutableArray<TableUse> on) =>
    [
        .. _candidates.Where(candidate => ReferenceEquals(candidate.Target, use))
            .Select(candidate => LinkOf(candidate, read, byItem, readOf, on.Add(use)))
            .OfType<KeyLink>()
            .DistinctBy(Identity),
    ];

    private KeyLink? LinkOf(Candidate candidate, int read, Dictionary<FromTable, TableUse> byItem, Func<TableUse, int> readOf, ImmutableArray<TableUse> on)
    {
        if (!byItem.TryGetValue(candidate.Source.Table, out var source)
            || candidate.Target.Find(candidate.Column) is not { } column
            || source.Find(candidate.Source.Column) is not { } other
            || !AreAlike(column, other))
        {
            return null;
        }
        var isNested = !candidate.Target.IsRead;
        if (source.IsRead ? isNested || readOf(source) == read : on.Length > MaxDepth || on.Any(table => ReferenceEquals(table, source)))
            return null;
        return new KeyLink(read, column.Name, other.TypeOid, source.IsRead
            ? new KeySource(readOf(source), null, other.Name, [])
            : new KeySource(-1, source.Relation.Name, other.Name, [.. source.Conditions])
            {
                Links = [.. LinksOf(source, -1, byItem, readOf, on).Where(static link => link.Source.IsFiltered)],
            })
        {
            IsWithinShard = source is { IsRead: true, Pushed: null } && IsKey(candidate.Target, column) && IsKey(source, other) && candidate.Target.Relation.Distribution!.Group == source.Relation.Distribution!.Group,
        };
    }

    // Types that are alike hash alike. With zones a row's place depends on more than the key.
    private static bool IsKey(TableUse use, Column column) => use.Relation.Distribution is { ZoneColumn: null, Group: not null, KeyColumn: { } key } && key == column.Name;

    // Only types of one text: a float's can lose digits, a timestamp's depends on the session's style.
    private bool AreAlike(Column column, Column other)
    {
        if (!column.DeterministicCollation || !other.DeterministicCollation)
            return false;
        if (TypeIds.IsInteger(column.TypeOid) && TypeIds.IsInteger(other.TypeOid))
            return true;
        var isText = analysis.Context.Catalog.AreShardsAlike;
        return (column.TypeOid, other.TypeOid) switch
        {
            (TypeOid.Numeric, TypeOid.Numeric) or (TypeOid.Uuid, TypeOid.Uuid) => true,
            (TypeOid.Text or TypeOid.Varchar, TypeOid.Text or TypeOid.Varchar) or (TypeOid.Bpchar, TypeOid.Bpchar) or (TypeOid.Date, TypeOid.Date) => isText,
            _ => false,
        };
    }

    /// <summary>Columns that are equal wherever the condition is true.</summary>
    private List<(Origin Left, Origin Right)> Pairs(Expression condition, Place block, JoinNames? names)
    {
        switch (condition)
        {
            case BooleanExpression { Connective: Connective.And } and:
                return [.. and.Operands.SelectMany(operand => Pairs(operand, block, names))];
            case BooleanExpression { Connective: Connective.Or } or:
                var common = Pairs(or.Operands[0], block, names);
                foreach (var operand in or.Operands.Skip(1))
                {
                    var own = Pairs(operand, block, names);
                    common.RemoveAll(pair => !own.Exists(other => Same(pair, other)));
                }
                return common;
            case OperatorExpression { Form: OperatorForm.Plain, Left: ColumnReference left, Right: ColumnReference right } equality when IsEquals(equality.OperatorNames):
                return OriginOf(left, block, names) is { } a && OriginOf(right, block, names) is { } b ? [(a, b)] : [];
            case SubqueryExpression { Form: SubqueryForm.Any, Test: ColumnReference test, Query: Select { Outputs: [{ Value: ColumnReference { IsStar: false } output }] } inner } any
                when any.OperatorNames.IsEmpty || IsEquals(any.OperatorNames):
                return analysis.Blocks.TryGetValue(inner, out var inside) && OriginOf(test, block, names) is { } tested && OriginOf(output, inside, null) is { } shown ? [(tested, shown)] : [];
            case SubqueryExpression { Form: SubqueryForm.Exists, Query: Select { Where: { } where } inner } when GivesRowsOfRows(inner):
                return analysis.Blocks.TryGetValue(inner, out var place) ? Pairs(where, place, null) : [];
            default:
                return [];
        }
    }

    // Without rows an aggregate still gives one, and so does a grand total.
    private static bool GivesRowsOfRows(Select select) =>
        select is { Having: null, HasGroupingSets: false, Groups.IsEmpty: true } && select.Outputs.All(static output => output.Value is ColumnReference or Statements.Syntax.Constant)
        && select.Order.All(static key => key is ColumnReference or Statements.Syntax.Constant);

    private static bool Same((Origin Left, Origin Right) first, (Origin Left, Origin Right) second) =>
        (first.Left == second.Left && first.Right == second.Right) || (first.Left == second.Right && first.Right == second.Left);

    private Origin? OriginOf(ColumnReference column, Place block, JoinNames? names)
    {
        if (column.IsStar)
            return null;
        var binding = block.Columns.Resolve(column);
        return binding.Variable is { Name: { } name } variable && analysis.Origins.TryGetValue(variable, out var table) && names?.Knows(column, table) != false
            ? new Origin(table, name, variable, binding.Nullable)
            : null;
    }

    /// <summary>The column is one of a query around the block's.</summary>
    private static bool IsAround(Origin origin, Place block)
    {
        for (var scope = block.Columns.Parent; scope is not null; scope = scope.Parent)
        {
            if (scope.Unqualified.Exists(list => list.Columns.Any(column => ReferenceEquals(column.Variable, origin.Variable))))
                return true;
        }
        return false;
    }

    private static bool IsIndexable(uint type) => ParameterText.NameOf(type) is not null;

    private static bool IsEquals(ImmutableArray<string> names) => names is ["="] or ["pg_catalog", "="];

    /// <summary>A column of a table in its place.</summary>
    private sealed record Origin(FromTable Table, string Column, ColumnVariable Variable, bool IsNullable)
    {
        public bool Equals(Origin? other) => other is not null && ReferenceEquals(Table, other.Table) && Column == other.Column;

        public override int GetHashCode() => HashCode.Combine(System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(Table), Column);
    }

    private sealed record Candidate(TableUse Target, string Column, Origin Source);
}
