using System.Globalization;
using System.Text;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Writing;

/// <summary>The entries that the rows of an INSERT … ON CONFLICT would have in global indexes, computed by the home shard.</summary>
/// <param name="Entries">By index, then by row; null where a value is null.</param>
internal sealed record ProposedRows(GlobalConflict Conflict, IReadOnlyList<IReadOnlyList<ProposedEntry?>> Entries)
{
    public static async ValueTask<ProposedRows> ComputeAsync(Session session, WriteJob job, GlobalConflict conflict)
    {
        var support = await session.Database.Control.UniqueSupportAsync(Database.HomeShard);
        var entries = new List<IReadOnlyList<ProposedEntry?>>();
        foreach (var index in conflict.Indexes)
        {
            try
            {
                var found = await RowsOf.AllAsync(session, [Database.HomeShard], Statement(job, index, support));
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

    private static ShardStatement Statement(WriteJob job, ConflictIndex index, UniqueSupport support)
    {
        var text = new ShardText(job.Request, job.Edits, job.Offset);
        text.Add($"SELECT * FROM {support.Schema}.{UniqueSupport.Prefix}propose('{index.Id}', ARRAY[");
        for (var row = 0; row < index.Rows.Length; row++)
        {
            text.Add(row == 0 ? "ROW(" : ", ROW(");
            for (var column = 0; column < index.Rows[row].Length; column++)
            {
                if (column > 0)
                    text.Add(", "u8);
                var value = index.Rows[row][column];
                if (value.Stretch is { } stretch)
                    text.Add(stretch.Start, stretch.End);
                else
                    text.Add(value.Default);
            }
            text.Add($")::{support.Schema}.{UniqueSupport.Prefix}{index.Id}");
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
