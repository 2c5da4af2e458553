using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Drawing;

/// <summary>Finds the identifiers that a statement draws from sequences: in an INSERT of rows into a distributed table, and in SELECT nextval(…) by itself.</summary>
internal sealed class DrawPlanner(PlanningContext context, Names names, SourceText source)
{
    private readonly Dictionary<string, DrawnCall> _calls = new(StringComparer.Ordinal);

    /// <summary>Null when the statement draws nothing, or in a way that is not read here.</summary>
    public DrawPlan? TryPlan(Query query) => context.Directory.Tables.Count == 0
        ? null
        : query switch
        {
            Insert { With: null, OverridesUserValues: false, Source: null or ValuesQuery { With: null, Order.IsEmpty: true, Limits.IsEmpty: true } } insert => TryInsert(insert),
            Select => TrySelect(query),
            _ => null,
        };

    private DrawPlan? TryInsert(Insert insert)
    {
        if (names.Resolve(insert.Target) is not { Class: RelationClass.Sharded or RelationClass.Reference, Relation: { } table })
            return null;
        var rows = insert.Source is ValuesQuery values ? values.Rows : [];
        var drawn = ImmutableArray.CreateBuilder<DrawnColumn>();
        var overrides = false;
        for (var index = 0; index < table.Columns.Count; index++)
        {
            var column = table.Columns[index];
            if (column.Sequence == 0 || column.TypeOid is not (TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8))
                continue;
            var ordinal = insert.Columns.IsEmpty ? index : insert.Columns.IndexOf(column.Name);
            if (rows.IsEmpty || rows.Any(row => ordinal >= row.Length))
                ordinal = -1;
            if (ordinal >= 0 && !rows.Any(row => row[ordinal] is DefaultValue))
                continue;
            if (column.IsIdentityAlways && !insert.OverridesSystemValues)
            {
                // OVERRIDING would let pass what the server has to reject.
                if (ordinal >= 0 && !rows.All(row => row[ordinal] is DefaultValue))
                    return null;
                overrides = true;
            }
            drawn.Add(new DrawnColumn(column.Name, ordinal, column.Sequence, column.TypeOid, column.IsIdentity));
        }
        foreach (var row in rows)
        {
            foreach (var value in row)
                NoteCall(value);
        }
        if (drawn.Count == 0 && _calls.Count == 0)
            return null;
        return new DrawPlan(drawn.ToImmutable(), _calls.ToImmutableDictionary(StringComparer.Ordinal))
        {
            Listed = insert.Columns.IsEmpty && !rows.IsEmpty && drawn.Any(static column => column.Ordinal < 0) ? FirstColumns(table, rows) : [],
            OverridesSystemValues = overrides,
        };
    }

    private static ImmutableArray<string> FirstColumns(Relation table, ImmutableArray<ImmutableArray<Expression>> rows) =>
        [.. table.Columns.Take(rows.Max(static row => row.Length)).Select(static column => column.Name)];

    private DrawPlan? TrySelect(Query query)
    {
        if (!SingleCall.IsPlain(query, out var outputs) || outputs is not [var output] || Read(output.Value) is not { } call)
            return null;
        // A sequence that only the home shard's tables use is the home shard's business, in PostgreSQL's own order.
        if (call.Kind != DrawKind.Last && !IsShared(call.Sequence))
            return null;
        return new DrawPlan([], _calls.ToImmutableDictionary(StringComparer.Ordinal))
        {
            OutputName = output.Name ?? ((FunctionCall)output.Value).Names[^1],
            Otherwise = call.Kind == DrawKind.Last ? new OneShardPlan(HomeShard.Instance) : null,
        };
    }

    private bool IsShared(uint sequence) => context.DrawsFrom(sequence);

    private void NoteCall(Expression value) => Read(value);

    private DrawnCall? Read(Expression value)
    {
        if (value is not FunctionCall { Window: null, IsStar: false, IsDistinct: false, IsFiltered: false, IsOrdered: false } call
            || call.Names is not ([_] or ["pg_catalog", _])
            || !names.SystemFirst)
        {
            return null;
        }
        switch (call.Names[^1], call.Arguments)
        {
            case ("nextval", [var argument]):
                return Note(DrawKind.Next, argument);
            case ("currval", [var argument]):
                return Note(DrawKind.Current, argument);
            case ("lastval", []):
                return _calls[DrawText.KeyOf(DrawKind.Last, [])] = new DrawnCall(DrawKind.Last, 0);
            default:
                return null;
        }
    }

    private DrawnCall? Note(DrawKind kind, Expression argument)
    {
        if (argument is TypeCast { Type: { IsArray: false, Names: [.., "regclass"] }, Operand: var operand })
            argument = operand;
        var (sequence, literals) = argument switch
        {
            Constant { Kind: ConstantKind.Text } name => (Sequence(source.SensitiveText(name)), [source.SensitiveText(name)!]),
            FunctionCall { Names: ["pg_get_serial_sequence"] or ["pg_catalog", "pg_get_serial_sequence"], Arguments: [Constant { Kind: ConstantKind.Text } table, Constant { Kind: ConstantKind.Text } column] }
                => (SerialSequence(source.SensitiveText(table), source.SensitiveText(column)), new[] { source.SensitiveText(table)!, source.SensitiveText(column)! }),
            _ => (0u, Array.Empty<string>()),
        };
        return sequence == 0 ? null : _calls[DrawText.KeyOf(kind, literals)] = new DrawnCall(kind, sequence);
    }

    private uint Sequence(string? name) => Resolve(name) is { Kind: RelationKind.Sequence } sequence ? sequence.Oid : 0;

    /// <remarks>The first argument is read as a name, the second as it stands.</remarks>
    private uint SerialSequence(string? table, string? column) =>
        column is not null && Resolve(table)?.FindColumn(column) is { } found ? found.Sequence : 0;

    private Relation? Resolve(string? text)
    {
        if (text is null || NameText.Split(text) is not { } parts)
            return null;
        return names.Resolve(parts.Length > 1 ? parts[^2] : null, parts[^1]).Relation;
    }
}
