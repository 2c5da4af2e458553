using System.Collections.Immutable;
using System.Globalization;
using ShardProxy.Planning.Gathering;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>One execution of a gather: its temporary tables' names, what is read into them, and the statement over them.</summary>
public sealed class GatherRun
{
    private List<string>[] _conditions;

    /// <param name="number">Of the session's gathers: tells their tables apart.</param>
    /// <param name="shard">Where the rows are brought together.</param>
    public GatherRun(GatherPlan plan, long number, int shard)
    {
        Plan = plan;
        Number = number;
        Shard = shard;
        _conditions = ConditionsOf(plan, static _ => null);
    }

    public GatherPlan Plan { get; private set; }

    public long Number { get; }

    /// <summary>Where the rows are brought together.</summary>
    public int Shard { get; private set; }

    /// <summary>RowDescription of the original statement as a frame; empty when it gives no rows.</summary>
    public byte[] Description { get; set; } = [];

    /// <summary>What the shards have sent.</summary>
    public List<GatherMeasure> Measures { get; } = [];

    /// <summary>Qualified and quoted.</summary>
    public string Table(int read) => string.Create(CultureInfo.InvariantCulture, $"pg_temp.\"shardproxy_{Number}_{read}\"");

    /// <summary>Whether a shard is asked for a read. Of tables that all shards have alike, the runs take them in turn.</summary>
    public bool IsRead(int read, int shard, int shards) => Plan.Reads[read].Place switch
    {
        ReadPlace.EveryShard => true,
        ReadPlace.OneShard => shard == Number % shards,
        _ => shard == Database.HomeShard,
    };

    /// <summary>What is asked of the shards.</summary>
    public string Query(int read) => Plan.Reads[read].Query(_conditions[read]);

    /// <summary>Before anything is brought together.</summary>
    internal void MoveTo(int shard) => Shard = shard;

    /// <summary>Puts the parameters' values into the reads' conditions.</summary>
    internal void Bind(GatherParameters parameters) => _conditions = ConditionsOf(Plan, parameters.ValueOf);

    /// <summary>
    /// The columns are others than the plan knows: each table is read with all that it has now, and as a whole, because what the plan
    /// says of its rows rests on the types that it knew.
    /// </summary>
    /// <param name="columns">Of each read's table; null where there is no such table.</param>
    internal void Redefine(IReadOnlyList<ImmutableArray<string>?> columns)
    {
        Plan = Plan with { Reads = [.. Plan.Reads.Select((read, index) => read.Pushed is null ? read with { Columns = columns[index] ?? read.Columns, Conditions = [] } : read with { Conditions = [] })], Links = [], Lookups = [] };
        _conditions = ConditionsOf(Plan, static _ => null);
    }

    private static List<string>[] ConditionsOf(GatherPlan plan, Func<int, string?> valueOf) =>
        [.. plan.Reads.Select(read => read.Conditions.Select(condition => condition.Render(valueOf)).OfType<string>().ToList())];

    /// <summary>Cuts a read down further.</summary>
    internal void Restrict(int read, string condition) => _conditions[read].Add(condition);

    /// <summary>The values of a column that a read has, as a query on a shard.</summary>
    internal string Values(int read, string column) => Plan.Reads[read].Select([column], _conditions[read]);

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
