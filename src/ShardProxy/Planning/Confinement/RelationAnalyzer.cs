using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Turns a named relation into columns with variables, and notes what kind of relation it is.</summary>
internal sealed class RelationAnalyzer(StatementAnalysis analysis)
{
    /// <summary>Views of views; a deeper nest is a ring or an accident.</summary>
    private const int MaxViewDepth = 100;

    private int _viewDepth;

    /// <summary>A relation that is read.</summary>
    /// <param name="item">Where FROM names it; null elsewhere.</param>
    public ColumnList Read(ResolvedRelation relation, FactScope facts, FromTable? item = null)
    {
        switch (relation.Class)
        {
            case RelationClass.Sharded:
                return AddSharded(relation, facts, out _);
            case RelationClass.Reference:
                analysis.Findings.ReadsReference = true;
                return ColumnsOf(relation.Relation);
            case RelationClass.View:
                return ReadView(relation.Relation!, facts, item);
            case RelationClass.Temporary:
                analysis.Findings.ReadsTemporary = true;
                break;
            case RelationClass.Unknown:
                analysis.Findings.Traits |= Traits.NamesUnknownRelation;
                break;
        }
        analysis.Findings.AddHome(relation.Name.Name);
        return ColumnsOf(relation.Relation);
    }

    /// <summary>The instance is null when the table cannot be used, which is then noted as the reason to refuse.</summary>
    public ColumnList AddSharded(ResolvedRelation relation, FactScope facts, out ShardedInstance? instance)
    {
        instance = null;
        var table = relation.Distribution!;
        if (relation.Relation is not { } known)
        {
            analysis.Findings.Traits |= Traits.NamesUnknownRelation;
            var missing = Refusals.MissingRelation(relation.Name);
            analysis.Findings.Refuse(missing.Reason, missing.Hint, missing.SqlState);
            return ColumnList.Unknown;
        }
        if (!TryKeyType(known, table, out var keyType, out var refusal))
        {
            analysis.Findings.Refuse(refusal!.Reason, refusal.Hint);
            return ColumnsOf(known);
        }
        var columns = ColumnsOf(known, table);
        columns.TryFind(table.KeyColumn!, out var key);
        instance = new ShardedInstance(table, key.Variable!, keyType, facts);
        if (ZoneTypeOf(known, table) is { } zoneType && columns.TryFind(table.ZoneColumn!, out var zone))
            instance = instance with { Zone = (zone.Variable!, zoneType) };
        analysis.Findings.Add(instance);
        return columns;
    }

    public static bool TryKeyType(Relation relation, TableDistribution table, out KeyType keyType, out RefusedPlan? refusal)
    {
        keyType = new KeyType(0, -1);
        refusal = null;
        foreach (var name in table.KeyColumns)
        {
            refusal = ColumnProblem(relation, name);
            if (refusal is not null)
                return false;
        }
        var column = relation.FindColumn(table.KeyColumn!)!;
        keyType = new KeyType(column.TypeOid, column.TypeModifier);
        if (table.Placement is not { } group)
            return true;
        var placement = group.For(column.TypeOid, out var problem);
        var zones = group.Rule.HasZones ? group.Rule : null;
        if (problem is null && zones is not null && table.ZoneColumn is { } zone)
            group.ForZone(relation.FindColumn(zone)!.TypeOid, out problem);
        else if (zones is not null)
            problem ??= "nobody said which of its columns has the zones";
        if (problem is not null)
        {
            refusal = Refusals.Of($"\"{relation.Name.Name}\" cannot be placed by {group.Rule.Strategy}: {problem}", null);
            return false;
        }
        keyType = keyType with { Placement = placement, Zones = zones, IsOrdered = placement is RangePlacement && column.OrdersByBytes };
        return true;
    }

    /// <summary>The type of a table's zone column, which <see cref="TryKeyType"/> has found fit; null for a table without zones.</summary>
    public static KeyType? ZoneTypeOf(Relation relation, TableDistribution table) =>
        table is { ZoneColumn: { } name, Placement: { Rule.HasZones: true } group } && relation.FindColumn(name) is { } column
            ? new KeyType(column.TypeOid, column.TypeModifier) { Placement = group.ForZone(column.TypeOid, out _) }
            : null;

    private static RefusedPlan? ColumnProblem(Relation relation, string name)
    {
        if (relation.FindColumn(name) is not { } column)
            return Refusals.Of($"\"{relation.Name.Name}\" is declared as sharded by {name}, a column that it does not have", null);
        if (!column.DeterministicCollation)
            return Refusals.Of($"\"{relation.Name.Name}\" is sharded by {column.Name}, whose collation is not deterministic", "Use a key under a deterministic collation.");
        return TypeIds.FamilyOf(column.TypeOid) == ValueFamily.Other
            ? Refusals.Of($"\"{relation.Name.Name}\" is sharded by {column.Name}, whose type cannot be a key", "Keys are int2, int4, int8, numeric, text, varchar, char(n), uuid, bytea, date, timestamp, timestamptz or bool.")
            : null;
    }

    /// <param name="table">The declared table, whose keys the columns are; null for any other relation.</param>
    public static ColumnList ColumnsOf(Relation? relation, TableDistribution? table = null)
    {
        if (relation is null)
            return ColumnList.Unknown;
        var columns = ImmutableArray.CreateBuilder<ColumnBinding>(relation.Columns.Count);
        foreach (var column in relation.Columns)
        {
            var family = column.DeterministicCollation ? TypeIds.FamilyOf(column.TypeOid) : ValueFamily.Other;
            var variable = new ColumnVariable(column.Name, column.TypeOid, column.TypeModifier, family)
            {
                IsKey = table?.IsKeyColumn(column.Name) == true,
                OrdersByBytes = column.OrdersByBytes,
            };
            columns.Add(new ColumnBinding(column.Name, variable, Nullable: false));
        }
        return new ColumnList(columns.MoveToImmutable(), Complete: true);
    }

    private ColumnList ReadView(Relation view, FactScope facts, FromTable? item)
    {
        if (SqlParser.Parse(System.Text.Encoding.UTF8.GetBytes(view.ViewDefinition!)) is not SyntaxTree { Statements: [{ Statement: QueryStatement { Query: var query } }] })
        {
            analysis.Findings.Refuse($"the definition of the view \"{view.Name.Name}\" cannot be read", Refusals.KeyHint);
            return ColumnsOf(view);
        }
        if (++_viewDepth > MaxViewDepth)
            throw new StatementTooComplexException();
        if (item is not null)
            analysis.ViewQueries[item] = query;
        var place = new Place(new ColumnScope(null), facts, null, SourceText.OfView(view.ViewDefinition!));
        var columns = analysis.Queries.AsItem(query, place, facts, joined: true);
        _viewDepth--;
        return columns.Rename([.. view.Columns.Select(static column => column.Name)]);
    }
}
