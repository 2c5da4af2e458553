using System.Globalization;
using System.Text;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>The statements into which an UPDATE of the key falls, made of stretches of its text.</summary>
/// <param name="parameterTypes">Of the client's parameters.</param>
internal sealed class KeyUpdateText(WriteJob job, KeyUpdateDraft draft, uint[] parameterTypes)
{
    /// <summary>Before the table's columns <see cref="Find"/> gives the row's table, its place, and whether that is another table than the one named.</summary>
    public const int FirstColumn = 3;

    // Names that nothing in a client's statement is called by.
    private const string Rows = "\"shardproxy_rows\"";
    private const string Table = "\"shardproxy_table\"";
    private const string Place = "\"shardproxy_place\"";

    private readonly string _name = StoredRows.Quote(draft.Name);
    private readonly string _table = $"{StoredRows.Quote(draft.Table.Schema)}.{StoredRows.Quote(draft.Table.Name)}";

    /// <summary>Finds the rows, locks them as UPDATE would, and gives their values, old and new.</summary>
    public ShardStatement Find()
    {
        var text = New();
        text.Add($"SELECT {_name}.tableoid, {_name}.ctid, {_name}.tableoid <> '{_table.Replace("'", "''", StringComparison.Ordinal)}'::pg_catalog.regclass");
        foreach (var column in draft.Columns)
            text.Add($", {_name}.{StoredRows.Quote(column.Name)}");
        foreach (var assigned in draft.Text.Assigned)
        {
            text.Add(", ("u8);
            Add(text, assigned.Value);
            text.Add(")"u8);
        }
        text.Add(" FROM "u8);
        Add(text, draft.Text.Target);
        if (draft.Text.From is { } from)
        {
            text.Add(", "u8);
            Add(text, from);
        }
        if (draft.Text.Where is { } where)
        {
            text.Add(" WHERE "u8);
            Add(text, where);
        }
        text.Add($" FOR UPDATE OF {_name}");
        return text.Statement() with { Formats = [0] };
    }

    public ShardStatement Delete(IReadOnlyList<(string Table, string Place)> rows)
    {
        var text = New();
        text.Add("DELETE FROM "u8);
        Add(text, draft.Text.Target);
        text.Add(" USING ROWS FROM (pg_catalog.unnest("u8);
        text.AddValue(Encoding.ASCII.GetBytes($"{{{string.Join(',', rows.Select(static row => row.Table))}}}"), 0);
        text.Add("::pg_catalog.oid[]), pg_catalog.unnest("u8);
        text.AddValue(Encoding.ASCII.GetBytes($"{{{string.Join(',', rows.Select(static row => $"\"{row.Place}\""))}}}"), 0);
        text.Add($"::pg_catalog.tid[])) AS {Rows}({Table}, {Place}) WHERE {Condition()}");
        return text.Statement() with { Formats = [] };
    }

    /// <summary>Changes rows where they are.</summary>
    /// <param name="rows">As <see cref="KeyUpdateRows.Changed"/> has them.</param>
    public ShardStatement Change(IReadOnlyList<byte[]?[]> rows, uint[] types)
    {
        var text = New();
        text.Add("UPDATE "u8);
        Add(text, draft.Text.Target);
        text.Add(" SET "u8);
        var columns = draft.Text.Assigned;
        for (var index = 0; index < columns.Length; index++)
            text.Add($"{(index == 0 ? "" : ", ")}{StoredRows.Quote(columns[index].Name)} = {Rows}.{Value(index)}");
        text.Add(" FROM (VALUES "u8);
        text.AddRows(rows, types, []);
        text.Add($") AS {Rows}({Table}, {Place}{string.Concat(columns.Select(static (_, index) => ", " + Value(index)))}) WHERE {Condition()}");
        return Returning(text);
    }

    /// <summary>Stores rows that have left another shard.</summary>
    /// <param name="rows">As <see cref="KeyUpdateRows.Stored"/> has them.</param>
    public ShardStatement Insert(IReadOnlyList<byte[]?[]> rows, uint[] types)
    {
        var text = New();
        text.Add($"INSERT INTO {_table}{(draft.HasAlias ? $" AS {_name}" : "")} ({string.Join(", ", draft.Columns.Select(static column => StoredRows.Quote(column.Name)))}) OVERRIDING SYSTEM VALUE VALUES ");
        text.AddRows(rows, types, []);
        return Returning(text);
    }

    /// <summary>No more rows of so many values fit into one statement.</summary>
    public int RowsAtOnce(int width) => ShardText.RowsAtOnce(job.Request, width);

    private static string Value(int index) => string.Create(CultureInfo.InvariantCulture, $"\"shardproxy_value{index}\"");

    private string Condition() => $"{_name}.ctid = {Rows}.{Place} AND {_name}.tableoid = {Rows}.{Table}";

    private ShardText New() => new(job.Request, job.Edits, job.Offset) { ParameterTypes = parameterTypes };

    private static void Add(ShardText text, TextStretch stretch) => text.Add(stretch.Start, stretch.End);

    private ShardStatement Returning(ShardText text)
    {
        if (draft.Text.Returning is not { } returning)
            return text.Statement() with { Formats = [] };
        text.Add(" "u8);
        Add(text, returning);
        return text.Statement();
    }
}
