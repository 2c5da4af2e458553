using System.Collections.Immutable;
using System.Text;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>The INSERT of a <see cref="MovedRowsDraft"/> with rows in the place of its query.</summary>
/// <param name="parameterTypes">Of the client's parameters.</param>
/// <param name="types">Of a row's values.</param>
internal sealed class MovedRowsText(WriteJob job, MovedRowsDraft draft, uint[] parameterTypes, uint[] types)
{
    /// <summary>The columns of a row's values, when the text must list them; else empty.</summary>
    public IReadOnlyList<string> Listed { get; init; } = [];

    public ImmutableArray<OmittedColumn> Drawn { get; init; } = [];

    /// <summary>Columns that are the same in every row.</summary>
    public ImmutableArray<(string Column, string Value)> Clocks { get; init; } = [];

    /// <summary>No more rows fit into one statement.</summary>
    public int RowsAtOnce => ShardText.RowsAtOnce(job.Request, types.Length);

    public ShardStatement Statement(IReadOnlyList<byte[]?[]> rows)
    {
        var text = new ShardText(job.Request, job.Edits, job.Offset) { ParameterTypes = parameterTypes };
        text.Add(job.Offset, draft.ListAt);
        if (draft.IsListed)
            text.Add(string.Concat(Drawn.Select(static column => $", {StoredRows.Quote(column.Name)}")) + string.Concat(Clocks.Select(static clock => $", {StoredRows.Quote(clock.Column)}")));
        else if (Listed.Count > 0)
            text.Add($"({string.Join(", ", Listed.Select(StoredRows.Quote).Concat(Clocks.Select(static clock => StoredRows.Quote(clock.Column))))}) ");
        text.Add(draft.ListAt, draft.Start);
        if (Drawn.Any(static column => column.OverridesSystemValues))
            text.Add(" OVERRIDING SYSTEM VALUE "u8);
        text.Add("VALUES "u8);
        text.AddRows(rows, types, Clocks.Select(static clock => clock.Value));
        text.Add(" "u8);
        text.Add(draft.End, job.Offset + job.Request.Sql.Length);
        return text.Statement();
    }
}
