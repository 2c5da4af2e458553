namespace ShardProxy.Directory;

/// <summary>One step from a version of the directory to the next; several may make one version.</summary>
public abstract record DirectoryChange
{
    /// <exception cref="DirectoryException">The change does not fit what is there.</exception>
    internal abstract void ApplyTo(DirectoryDraft draft);

    private protected static DeclaredTable Existing(Dictionary<QualifiedName, DeclaredTable> tables, QualifiedName name) =>
        tables.TryGetValue(name, out var table) ? table : throw new DirectoryException($"table {name} is not declared");

    private protected static void Add(Dictionary<QualifiedName, DeclaredTable> tables, DeclaredTable table)
    {
        if (!tables.TryAdd(table.Name, table))
            throw new DirectoryException($"table {table.Name} is declared already");
    }
}

public sealed record TableDeclared(DeclaredTable Table) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft) => Add(draft.Tables, Table);

    public override string ToString() => Table.Distribution.Kind == TableKind.Reference
        ? $"declare reference table {Table.Name}"
        : $"declare table {Table.Name} with key {Table.Distribution.KeyColumn}{(Table.Distribution.ZoneColumn is { } zone ? $" and zone {zone}" : "")} in group {Table.Distribution.Group}";
}

public sealed record TableUndeclared(QualifiedName Table) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft)
    {
        Existing(draft.Tables, Table);
        draft.Tables.Remove(Table);
    }

    public override string ToString() => $"undeclare table {Table}";
}

/// <summary>The table goes on under another name, in the same group.</summary>
/// <param name="KeepOld">The old name stays declared as well, without a table behind it: the configuration file names it.</param>
public sealed record TableRenamed(QualifiedName From, QualifiedName To, bool KeepOld) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft)
    {
        var table = Existing(draft.Tables, From);
        Add(draft.Tables, table with { Distribution = table.Distribution with { Table = To } });
        if (KeepOld)
            draft.Tables[From] = table with { HomeOid = 0, KeyNumber = 0, ZoneNumber = 0 };
        else
            draft.Tables.Remove(From);
    }

    public override string ToString() => $"rename table {From} to {To}";
}

public sealed record KeyRenamed(QualifiedName Table, string KeyColumn) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft)
    {
        var table = Existing(draft.Tables, Table);
        draft.Tables[Table] = table with { Distribution = table.Distribution with { KeyColumn = KeyColumn } };
    }

    public override string ToString() => $"rename key of table {Table} to {KeyColumn}";
}

public sealed record ZoneRenamed(QualifiedName Table, string ZoneColumn) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft)
    {
        var table = Existing(draft.Tables, Table);
        draft.Tables[Table] = table with { Distribution = table.Distribution with { ZoneColumn = ZoneColumn } };
    }

    public override string ToString() => $"rename zone column of table {Table} to {ZoneColumn}";
}

/// <summary>The table was seen on the home shard for the first time, or under a new object id.</summary>
public sealed record TableIdentified(QualifiedName Table, uint HomeOid, short KeyNumber) : DirectoryChange
{
    public short ZoneNumber { get; init; }

    internal override void ApplyTo(DirectoryDraft draft) =>
        draft.Tables[Table] = Existing(draft.Tables, Table) with { HomeOid = HomeOid, KeyNumber = KeyNumber, ZoneNumber = ZoneNumber };

    public override string ToString() => $"identify table {Table} by object id {HomeOid}, key by column number {KeyNumber}";
}
