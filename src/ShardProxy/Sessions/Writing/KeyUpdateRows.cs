using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Sessions.Writing;

/// <summary>The rows that an UPDATE of the key has found, as <see cref="KeyUpdateText.Find"/> gives them, each once.</summary>
internal sealed class KeyUpdateRows
{
    private readonly KeyUpdateDraft _draft;
    private readonly CollectedValues _found;
    private readonly List<int> _rows = [];
    private readonly uint[] _assignedTypes;

    /// <param name="types">Of the columns that were given.</param>
    public KeyUpdateRows(KeyUpdateDraft draft, CollectedValues found, uint[] types)
    {
        _draft = draft;
        _found = found;
        _assignedTypes = [.. draft.Text.Assigned.Select((column, index) => StoredType.Of(types[KeyUpdateText.FirstColumn + draft.Columns.Length + index], TypeOf(column.Name)))];
        // FROM may give several partners to a row, of which PostgreSQL too takes whichever comes first.
        var seen = new HashSet<(int Shard, string Table, string Place)>();
        for (var row = 0; row < found.Rows.Count; row++)
        {
            var values = found.Rows[row];
            if (seen.Add((found.Shards[row], Text(values[0]), Text(values[1]))))
                _rows.Add(row);
        }
        Shards = [.. _rows.Select(row => found.Shards[row])];
    }

    public int Count => _rows.Count;

    public bool HaveChildren => _draft.MayHaveChildren && _rows.Exists(row => Text(_found.Rows[row][2]) == "t");

    /// <summary>The values that a column of the table gets, or keeps.</summary>
    public StoredColumn NewValues(string column)
    {
        var assigned = IndexOf(column);
        if (assigned >= 0)
            return new StoredColumn(_assignedTypes[assigned], [.. _rows.Select(row => _found.Rows[row][AssignedAt + assigned])]);
        var kept = _draft.Columns.IndexOf(_draft.Columns.First(each => each.Name == column));
        return new StoredColumn(_draft.Columns[kept].TypeOid, [.. _rows.Select(row => _found.Rows[row][KeyUpdateText.FirstColumn + kept])]);
    }

    /// <summary>Where each row is.</summary>
    public IReadOnlyList<int> Shards { get; }

    /// <summary>Types of <see cref="Changed"/>.</summary>
    public uint[] ChangedTypes => [TypeOid.Oid, TypeOid.Tid, .. _assignedTypes];

    /// <summary>Types of <see cref="Stored"/>.</summary>
    public uint[] StoredTypes =>
        [.. _draft.Columns.Select(column => IndexOf(column.Name) is var assigned and >= 0 ? _assignedTypes[assigned] : column.TypeOid)];

    private int AssignedAt => KeyUpdateText.FirstColumn + _draft.Columns.Length;

    public List<int> Select(Func<int, bool> condition) => [.. Enumerable.Range(0, Count).Where(condition)];

    /// <summary>The table and the place in it.</summary>
    public (string Table, string Place) Place(int row) => (Text(Values(row)[0]), Text(Values(row)[1]));

    /// <summary>The place of the row, and the new values of the columns that SET names.</summary>
    public byte[]?[] Changed(int row)
    {
        var values = Values(row);
        return [values[0], values[1], .. values.AsSpan(AssignedAt)];
    }

    /// <summary>The values of all columns.</summary>
    public byte[]?[] Stored(int row)
    {
        var values = Values(row);
        var stored = new byte[]?[_draft.Columns.Length];
        for (var column = 0; column < stored.Length; column++)
            stored[column] = values[IndexOf(_draft.Columns[column].Name) is var assigned and >= 0 ? AssignedAt + assigned : KeyUpdateText.FirstColumn + column];
        return stored;
    }

    private byte[]?[] Values(int row) => _found.Rows[_rows[row]];

    private uint TypeOf(string name)
    {
        foreach (var column in _draft.Columns)
        {
            if (column.Name == name)
                return column.TypeOid;
        }
        return TypeOid.Unknown;
    }

    private int IndexOf(string column)
    {
        for (var index = 0; index < _draft.Text.Assigned.Length; index++)
        {
            if (_draft.Text.Assigned[index].Name == column)
                return index;
        }
        return -1;
    }

    private static string Text(byte[]? value) => value is null ? "" : System.Text.Encoding.ASCII.GetString(value);
}
