using System.Globalization;
using System.Text;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Writing;

/// <summary>The entries that the rows of an INSERT … ON CONFLICT would have in global indexes, computed by the home shard.</summary>
/// <param name="Entries">By index, then by row; null where a value is null, or the index's condition does not hold.</param>
internal sealed record ProposedRows(GlobalConflict Conflict, IReadOnlyList<IReadOnlyList<ProposedEntry?>> Entries)
{
    public static async ValueTask<ProposedRows> ComputeAsync(Session session, IProposal proposal, GlobalConflict conflict)
    {
        var support = await session.Database.Control.UniqueSupportAsync(Database.HomeShard);
        var entries = new List<IReadOnlyList<ProposedEntry?>>();
        foreach (var index in conflict.Indexes)
        {
            try
            {
                var found = await RowsOf.AllAsync(session, [Database.HomeShard], Statement(proposal, conflict, index, support));
                entries.Add([.. found.Rows.Rows.Select(static row => row[0] is { } line ? ProposedEntry.Read(line) : null)]);
            }
            catch (SqlErrorException exception) when (exception.Error.Position is not null)
            {
                // The text is not the client's.
                throw new SqlErrorException(exception.Error with { Position = null });
            }
        }
        return new ProposedRows(conflict, entries);
    }

    private static ShardStatement Statement(IProposal proposal, GlobalConflict conflict, ConflictIndex index, UniqueSupport support)
    {
        var type = index.IsPlain
            ? $"{support.Schema}.{UniqueSupport.Prefix}{index.Id}"
            : $"{StoredRows.Quote(conflict.Table.Schema)}.{StoredRows.Quote(conflict.Table.Name)}";
        var text = proposal.Text();
        text.Add($"SELECT * FROM {support.Schema}.{UniqueSupport.Prefix}{(index.IsPlain ? "propose" : "propose_rows")}('{index.Id}', ARRAY[");
        for (var row = 0; row < proposal.Own.Count; row++)
        {
            text.Add(row == 0 ? "ROW(" : ", ROW(");
            for (var column = 0; column < index.Columns.Length; column++)
            {
                if (column > 0)
                    text.Add(", "u8);
                proposal.AddValue(text, row, index, column);
            }
            text.Add($")::{type}");
        }
        text.Add("])"u8);
        return text.Statement() with { Formats = [0] };
    }
}

/// <param name="Hash">As hash_record_extended() gives it of the unique values.</param>
/// <param name="Text">In base64.</param>
internal sealed record ProposedEntry(ulong Hash, string Text)
{
    public string SignedHash => unchecked((long)Hash).ToString(CultureInfo.InvariantCulture);

    public static ProposedEntry Read(byte[] line)
    {
        var space = line.AsSpan().IndexOf((byte)' ');
        return new ProposedEntry(
            unchecked((ulong)long.Parse(line.AsSpan(0, space), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)),
            Encoding.ASCII.GetString(line.AsSpan(space + 1)));
    }
}
