using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Finds the key that a new row gets, so that it is stored on the shard that its key leads to.</summary>
internal sealed class InsertedKey(StatementAnalysis analysis, ResolvedRelation target, Place place)
{
    private readonly Directory.TableDistribution _table = target.Distribution!;

    public void Add(Insert insert, ColumnList? source)
    {
        var ordinal = Ordinal(insert.Columns);
        // OVERRIDING USER VALUE: an identity column is not given what the row says.
        if (ordinal < 0 || insert.Source is null || (insert.OverridesUserValues && target.Relation!.FindColumn(_table.KeyColumn!)!.IsIdentity))
        {
            RefuseMissing();
        }
        else if (source is not null)
        {
            AddColumn(source.At(ordinal));
        }
        else
        {
            foreach (var row in ((ValuesQuery)insert.Source).Rows)
            {
                if (ordinal >= row.Length || row[ordinal] is DefaultValue)
                    RefuseMissing();
                else
                    Add(row[ordinal]);
            }
        }
    }

    /// <summary>What is known of the key of the rows inserted; null when nothing.</summary>
    public Fact? FactOf(ColumnVariable key, Insert insert, ColumnList? source)
    {
        var ordinal = Ordinal(insert.Columns);
        if (ordinal < 0)
            return null;
        if (source is not null)
            return source.At(ordinal) is { } column && IsUnchanged(column) ? new SameValue(key, column) : null;
        if (insert.Source is not ValuesQuery values || values.Rows.Any(row => ordinal >= row.Length))
            return null;
        return analysis.Operands.Values(values.Rows.Select(row => row[ordinal]), place) is { } operands ? new OneOf(key, [.. operands]) : null;
    }

    public void Add(MergeAction insert)
    {
        var ordinal = Ordinal(insert.Columns);
        if (ordinal < 0 || ordinal >= insert.Values.Length || insert.Values[ordinal] is DefaultValue)
            RefuseMissing();
        else
            Add(insert.Values[ordinal]);
    }

    public void Add(Expression value)
    {
        if (analysis.Operands.Values([value], place) is { } operands)
            Add(solver => solver.SetOf([.. operands]));
        else
            AddColumn(analysis.Operands.ColumnOf(value, place));
    }

    /// <summary>A value taken from a column is the key only if storing it converts nothing.</summary>
    private void AddColumn(ColumnVariable? column)
    {
        if (column is not null && IsUnchanged(column))
            Add(solver => solver.Solve(column, place.Facts));
        else
            analysis.Findings.StoredKeys.Add(new StoredKey(_table, static () => null));
    }

    private void Add(Func<KeySolver, KeySet?> solve)
    {
        if (RelationAnalyzer.TryKeyType(target.Relation!, _table, out var type, out _))
            analysis.Findings.StoredKeys.Add(new StoredKey(_table, () => solve(new KeySolver(type, stored: true))));
    }

    private bool IsUnchanged(ColumnVariable column)
    {
        if (!RelationAnalyzer.TryKeyType(target.Relation!, _table, out var type, out _) || !TypeIds.Compare(column.Family, TypeIds.FamilyOf(type.Oid)))
            return false;
        if (column.TypeOid == type.Oid && column.TypeModifier == type.TypeModifier)
            return true;
        var widens = TypeIds.IsInteger(column.TypeOid) && type.TypeModifier < 0;
        // A computed column without a type of its own holds constants, whose types the solver checks one by one.
        return widens || (column.TypeOid == 0 && type.TypeModifier < 0) || (column.Family == ValueFamily.Text && type.TypeModifier < 0);
    }

    private int Ordinal(IReadOnlyList<string> columns)
    {
        if (columns.Count > 0)
            return columns.ToList().IndexOf(_table.KeyColumn!);
        var all = target.Relation!.Columns;
        for (var index = 0; index < all.Count; index++)
        {
            if (all[index].Name == _table.KeyColumn)
                return index;
        }
        return -1;
    }

    private void RefuseMissing() => analysis.Findings.Refuse(
        $"the INSERT into \"{_table.Table.Name}\" gives no value for {_table.KeyColumn}, by which the table is sharded",
        $"List {_table.KeyColumn} and give it a value; a default is not known before the row is stored.");
}
