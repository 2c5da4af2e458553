using System.Globalization;
using ShardProxy.Planning.Gathering;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>One execution of a gather: its temporary tables' names, and the statement over them.</summary>
/// <param name="Number">Of the session's gathers: tells their tables apart.</param>
public sealed record GatherRun(GatherPlan Plan, long Number)
{
    /// <summary>RowDescription of the original statement as a frame; empty when it gives no rows.</summary>
    public byte[] Description { get; set; } = [];

    /// <summary>What the other shards have sent.</summary>
    public List<GatherMeasure> Measures { get; } = [];

    /// <summary>Qualified and quoted.</summary>
    public string Table(int read) => string.Create(CultureInfo.InvariantCulture, $"pg_temp.\"shardproxy_{Number}_{read}\"");

    /// <summary>The statement with the temporary tables' names.</summary>
    public byte[] Text()
    {
        var text = new MemoryStream();
        foreach (var piece in Plan.Text)
        {
            text.Write(piece.Text.Span);
            if (piece.Read >= 0)
                text.Write(System.Text.Encoding.ASCII.GetBytes(Table(piece.Read)));
        }
        return text.ToArray();
    }

    /// <summary>Drops them before the transaction would.</summary>
    public string DropText() => $"DROP TABLE {string.Join(", ", Enumerable.Range(0, Plan.Reads.Length).Select(Table))}";
}
