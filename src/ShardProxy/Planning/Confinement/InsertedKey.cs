using ShardProxy.Directory.Placements;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Finds the key that a new row gets (with its zone, where the table has zones), so that it is stored on the shard that its key leads to.</summary>
internal sealed class InsertedKey(StatementAnalysis analysis, ResolvedRelation target, Place place, StoredBy by = StoredBy.Insert)
{
    private readonly Directory.TableDistribution _table = target.Distribution!;

    public void Add(Insert insert, ColumnList? source)
    {
        foreach (var name in _table.KeyColumns)
        {
            // OVERRIDING USER VALUE: an identity column is not given what the row says.
            if (Ordinal(insert.Columns, name) >= 0 && insert.Source is not null && !(insert.OverridesUserValues && target.Relation!.FindColumn(name)?.IsIdentity == true))
                continue;
            RefuseMissing(name);
            return;
        }
        if (source is not null)
        {
            Add((name, type) => PartOf(source.At(Ordinal(insert.Columns, name)), type));
            return;
        }
        foreach (var row in ((ValuesQuery)insert.Source!).Rows)
            AddRow(insert.Columns, row);
    }

    /// <summary>What is known of a key column (<paramref name="key"/>) of the rows inserted; null when nothing.</summary>
    public Fact? FactOf(ColumnVariable key, Insert insert, ColumnList? source)
    {
        var ordinal = Ordinal(insert.Columns, key.Name!);
        if (ordinal < 0)
            return null;
        if (source is not null)
            return source.At(ordinal) is { } column && TypeOf(key.Name!) is { } type && IsUnchanged(column, type) ? new SameValue(key, column) : null;
        if (insert.Source is not ValuesQuery values || values.Rows.Any(row => ordinal >= row.Length))
            return null;
        return analysis.Operands.Values(values.Rows.Select(row => row[ordinal]), place) is { } operands ? new OneOf(key, [.. operands]) : null;
    }

    public void Add(MergeAction insert) => AddRow(insert.Columns, insert.Values);

    /// <summary>A value that is the key of a table without zones, or of one where it has one place in all zones; else it says too little.</summary>
    public void Add(Expression value) => Add((name, type) => name == _table.KeyColumn ? PartOf(value, type) : null);

    /// <summary>The key that a row gets whose key, or zone, is changed; what is not changed of the two stays what it is in the row.</summary>
    /// <param name="value">What a column is set to; null when it is not.</param>
    /// <param name="row">The row that is changed; null when it is not known.</param>
    public void AddChanged(Func<string, Expression?> value, ShardedInstance? row) => Add((name, type) =>
        value(name) is { } changed ? PartOf(changed, type)
        : row is null ? null
        : name == _table.KeyColumn ? () => new KeySolver(type, stored: false).Solve(row.Key, row.Scope)
        : row.Zone is { } zone ? () => new KeySolver(type, stored: false).Solve(zone.Column, row.Scope)
        : null);

    private void AddRow(IReadOnlyList<string> columns, IReadOnlyList<Expression> values)
    {
        foreach (var name in _table.KeyColumns)
        {
            var ordinal = Ordinal(columns, name);
            if (ordinal >= 0 && ordinal < values.Count && values[ordinal] is not DefaultValue)
                continue;
            RefuseMissing(name);
            return;
        }
        Add((name, type) => PartOf(values[Ordinal(columns, name)], type));
    }

    private Func<KeySet?>? PartOf(Expression value, KeyType type) => analysis.Operands.Values([value], place) is { } operands
        ? () => new KeySolver(type, stored: true).SetOf([.. operands])
        : PartOf(analysis.Operands.ColumnOf(value, place), type);

    /// <summary>A value taken from a column is the key only if storing it converts nothing.</summary>
    private Func<KeySet?>? PartOf(ColumnVariable? column, KeyType type) =>
        column is not null && IsUnchanged(column, type) ? () => new KeySolver(type, stored: true).Solve(column, place.Facts) : null;

    /// <param name="partOf">How the values of a key column are found; null when they are not known beforehand.</param>
    private void Add(Func<string, KeyType, Func<KeySet?>?> partOf)
    {
        if (!RelationAnalyzer.TryKeyType(target.Relation!, _table, out var type, out _))
            return;
        var key = partOf(_table.KeyColumn!, type);
        var zone = RelationAnalyzer.ZoneTypeOf(target.Relation!, _table) is { } zoneType ? partOf(_table.ZoneColumn!, zoneType) : null;
        analysis.Findings.StoredKeys.Add(new StoredKey(
            _table,
            type.Zones is not { } rule
                ? key ?? (static () => null)
                : by == StoredBy.Call && rule is LookupRule ? () => key?.Invoke() is { } called ? ZonedKeys.Of(rule, null, called) : null
                : () => zone?.Invoke() is { } zones && key?.Invoke() is { } keys ? ZonedKeys.Of(rule, zones, keys, stored: true) : null,
            by));
    }

    private KeyType? TypeOf(string name) =>
        !RelationAnalyzer.TryKeyType(target.Relation!, _table, out var type, out _) ? null
        : name == _table.KeyColumn ? type
        : RelationAnalyzer.ZoneTypeOf(target.Relation!, _table);

    private static bool IsUnchanged(ColumnVariable column, KeyType type)
    {
        if (!TypeIds.Compare(column.Family, TypeIds.FamilyOf(type.Oid)))
            return false;
        if (column.TypeOid == type.Oid && column.TypeModifier == type.TypeModifier)
            return true;
        var widens = TypeIds.IsInteger(column.TypeOid) && type.TypeModifier < 0;
        // A computed column without a type of its own holds constants, whose types the solver checks one by one.
        return widens || (column.TypeOid == 0 && type.TypeModifier < 0) || (column.Family == ValueFamily.Text && type.TypeModifier < 0);
    }

    private int Ordinal(IReadOnlyList<string> columns, string name)
    {
        if (columns.Count > 0)
            return columns.ToList().IndexOf(name);
        var all = target.Relation!.Columns;
        for (var index = 0; index < all.Count; index++)
        {
            if (all[index].Name == name)
                return index;
        }
        return -1;
    }

    private void RefuseMissing(string name) => analysis.Findings.RefuseMissingKey(
        $"the INSERT into \"{_table.Table.Name}\" gives no value for {name}, by which the table is sharded",
        $"List {name} and give it a value; a default is not known before the row is stored.");
}
