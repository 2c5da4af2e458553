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
    public ColumnList Read(ResolvedRelation relation, FactScope facts)
    {
        switch (relation.Class)
        {
            case RelationClass.Sharded:
                return AddSharded(relation, facts, out _);
            case RelationClass.Reference:
                analysis.Findings.ReadsReference = true;
                return ColumnsOf(relation.Relation);
            case RelationClass.View:
                return ReadView(relation.Relation!, facts);
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
        var columns = ColumnsOf(known, table.KeyColumn);
        columns.TryFind(table.KeyColumn!, out var key);
        instance = new ShardedInstance(table, key.Variable!, keyType, facts);
        analysis.Findings.Add(instance);
        return columns;
    }

    public static bool TryKeyType(Relation relation, TableDistribution table, out KeyType keyType, out RefusedPlan? refusal)
    {
        keyType = new KeyType(0, -1);
        refusal = null;
        if (relation.FindColumn(table.KeyColumn!) is not { } column)
        {
            refusal = Refusals.Of($"\"{relation.Name.Name}\" is declared as sharded by {table.KeyColumn}, a column that it does not have", null);
            return false;
        }
        if (!column.DeterministicCollation)
        {
            refusal = Refusals.Of($"\"{relation.Name.Name}\" is sharded by {column.Name}, whose collation is not deterministic", "Use a key under a deterministic collation.");
            return false;
        }
        if (TypeIds.FamilyOf(column.TypeOid) == ValueFamily.Other)
        {
            refusal = Refusals.Of($"\"{relation.Name.Name}\" is sharded by {column.Name}, whose type cannot be a key", "Keys are int2, int4, int8, numeric, text, varchar, char(n), uuid, bytea, date, timestamp, timestamptz or bool.");
            return false;
        }
        keyType = new KeyType(column.TypeOid, column.TypeModifier);
        if (table.Placement is not { } group)
            return true;
        if (group.For(column.TypeOid, out var problem) is not { } placement)
        {
            refusal = Refusals.Of($"\"{relation.Name.Name}\" cannot be placed by {group.Rule.Strategy}: {problem}", null);
            return false;
        }
        keyType = keyType with { Placement = placement, IsOrdered = placement is RangePlacement && column.OrdersByBytes };
        return true;
    }

    public static ColumnList ColumnsOf(Relation? relation, string? key = null)
    {
        if (relation is null)
            return ColumnList.Unknown;
        var columns = ImmutableArray.CreateBuilder<ColumnBinding>(relation.Columns.Count);
        foreach (var column in relation.Columns)
        {
            var family = column.DeterministicCollation ? TypeIds.FamilyOf(column.TypeOid) : ValueFamily.Other;
            var variable = new ColumnVariable(column.Name, column.TypeOid, column.TypeModifier, family)
            {
                IsKey = column.Name == key,
                OrdersByBytes = column.OrdersByBytes,
            };
            columns.Add(new ColumnBinding(column.Name, variable, Nullable: false));
        }
        return new ColumnList(columns.MoveToImmutable(), Complete: true);
    }

    private ColumnList ReadView(Relation view, FactScope facts)
    {
        if (SqlParser.Parse(System.Text.Encoding.UTF8.GetBytes(view.ViewDefinition!)) is not SyntaxTree { Statements: [{ Statement: QueryStatement { Query: var query } }] })
        {
            analysis.Findings.Refuse($"the definition of the view \"{view.Name.Name}\" cannot be read", Refusals.KeyHint);
            return ColumnsOf(view);
        }
        if (++_viewDepth > MaxViewDepth)
            throw new StatementTooComplexException();
        var place = new Place(new ColumnScope(null), facts, null, SourceText.OfView(view.ViewDefinition!));
        var columns = analysis.Queries.AsItem(query, place, facts, joined: true);
        _viewDepth--;
        return columns.Rename([.. view.Columns.Select(static column => column.Name)]);
    }
}
