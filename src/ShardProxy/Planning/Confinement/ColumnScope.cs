using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <param name="Name">Null when the name is not known; it may then be any.</param>
/// <param name="Variable">Null for a column of which nothing is known.</param>
/// <param name="Nullable">An outer join may fill it up with NULL.</param>
internal readonly record struct ColumnBinding(string? Name, ColumnVariable? Variable, bool Nullable);

/// <summary>Columns in order.</summary>
/// <param name="Complete">False when more columns, of unknown number and name, follow.</param>
internal sealed record ColumnList(ImmutableArray<ColumnBinding> Columns, bool Complete)
{
    public static ColumnList Unknown { get; } = new([], Complete: false);

    public ColumnVariable? At(int index) => index < Columns.Length ? Columns[index].Variable : null;

    /// <summary>AS t(a, b): names for the first columns.</summary>
    public ColumnList Rename(ImmutableArray<string> names)
    {
        if (names.IsEmpty)
            return this;
        var columns = Columns.ToBuilder();
        for (var index = 0; index < names.Length; index++)
        {
            if (index < columns.Count)
                columns[index] = columns[index] with { Name = names[index] };
            else if (!Complete)
                columns.Add(new ColumnBinding(names[index], null, Nullable: true));
        }
        return this with { Columns = columns.ToImmutable() };
    }

    public ColumnList AsNullable() => this with { Columns = [.. Columns.Select(static column => column with { Nullable = true })] };

    /// <summary>Found: exactly one. A name that could stand for several, or for a column not known, gives a binding without variable.</summary>
    public bool TryFind(string name, out ColumnBinding binding)
    {
        binding = default;
        var found = 0;
        foreach (var column in Columns)
        {
            if (column.Name is null || string.Equals(column.Name, name, StringComparison.Ordinal))
            {
                binding = column;
                found++;
            }
        }
        if (found > 1)
            binding = new ColumnBinding(name, null, Nullable: true);
        return found > 0;
    }
}

/// <param name="Schema">Null when an alias or a CTE hides it.</param>
internal sealed record NamedTable(string? Schema, string Name, ColumnList Columns);

/// <summary>What names mean in one query level, and which levels are around it.</summary>
internal sealed class ColumnScope(ColumnScope? parent)
{
    public ColumnScope? Parent { get; } = parent;

    public List<NamedTable> Tables { get; } = [];

    /// <summary>What an unqualified name can mean, merged columns of USING as one.</summary>
    public List<ColumnList> Unqualified { get; } = [];

    public void Add(FromResult item)
    {
        Tables.AddRange(item.Tables);
        Unqualified.Add(item.Columns);
    }

    public ColumnBinding Resolve(ColumnReference reference)
    {
        if (reference.IsStar || reference.Names.Length is 0 or > 3)
            return default;
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (reference.Names.Length == 1 ? scope.TryUnqualified(reference.Names[0], out var binding) : scope.TryQualified(reference.Names, out binding))
                return binding;
        }
        return default;
    }

    public bool TryTable(string name, [NotNullWhen(true)] out NamedTable? table)
    {
        table = Tables.Find(candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal));
        return table is not null;
    }

    private bool TryUnqualified(string name, out ColumnBinding binding)
    {
        binding = default;
        var found = 0;
        var complete = true;
        foreach (var list in Unqualified)
        {
            complete &= list.Complete;
            if (!list.TryFind(name, out var candidate))
                continue;
            binding = candidate;
            found++;
        }
        if (found == 1)
            return true;
        binding = new ColumnBinding(name, null, Nullable: true);
        // A column of that name in an unknown list would hide the outer ones.
        return found > 1 || !complete;
    }

    private bool TryQualified(ImmutableArray<string> names, out ColumnBinding binding)
    {
        var tableName = names[^2];
        var schema = names.Length == 3 ? names[0] : null;
        foreach (var table in Tables)
        {
            if (!string.Equals(table.Name, tableName, StringComparison.Ordinal)
                || (schema is not null && !string.Equals(table.Schema, schema, StringComparison.Ordinal)))
            {
                continue;
            }
            if (!table.Columns.TryFind(names[^1], out binding))
                binding = new ColumnBinding(names[^1], null, Nullable: true);
            return true;
        }
        binding = default;
        return false;
    }
}

/// <summary>What a FROM item offers to names.</summary>
internal sealed record FromResult(ImmutableArray<NamedTable> Tables, ColumnList Columns)
{
    public FromResult AsNullable() => new(
        [.. Tables.Select(static table => table with { Columns = table.Columns.AsNullable() })],
        Columns.AsNullable());

    /// <summary>Every column that has a variable.</summary>
    public HashSet<ColumnVariable> Variables()
    {
        var variables = new HashSet<ColumnVariable>();
        foreach (var list in Tables.Select(static table => table.Columns).Append(Columns))
        {
            foreach (var column in list.Columns)
            {
                if (column.Variable is not null)
                    variables.Add(column.Variable);
            }
        }
        return variables;
    }
}
