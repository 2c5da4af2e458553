using System.Collections.Immutable;
using ShardProxy.Planning;
using ShardProxy.Planning.Writing;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>One execution of a write over several shards: which of them, and what each is sent.</summary>
/// <param name="Offset">Where the request's text begins in the client's, to which the plan's offsets belong.</param>
internal sealed record WriteJob(WritePlan Plan, ClientRequest Request, int Offset)
{
    /// <summary>In ascending order.</summary>
    public IReadOnlyList<int> Shards { get; init; } = [];

    /// <summary>For each row of an INSERT, which of <see cref="Shards"/> gets it; null for other statements.</summary>
    public IReadOnlyList<int>? Order { get; init; }

    /// <summary>The shard of the entry, and the hash of its values, that says where the one row is which the statement changes; null where none does.</summary>
    public (int Shard, ulong Hash)? Entry { get; init; }

    public ImmutableArray<TextEdit> Edits { get; init; } = [];

    /// <summary>How the query of a <see cref="MovedRowsDraft"/> runs with these values; null for other statements.</summary>
    public Plan? Source { get; init; }

    /// <summary>The command's tag up to the count.</summary>
    public byte[] Tag { get; init; } = [];

    public static byte[] TagOf(string verb) => verb switch
    {
        "insert" => "INSERT 0 "u8.ToArray(),
        "update" => "UPDATE "u8.ToArray(),
        "delete" => "DELETE "u8.ToArray(),
        // WITH … AS (INSERT …) SELECT.
        "select" => "SELECT "u8.ToArray(),
        _ => "MERGE "u8.ToArray(),
    };

    /// <summary>By shard, what it is sent.</summary>
    public Func<int, ShardStatement> Statements()
    {
        if (Plan.Draft is not SplitRowsDraft split)
        {
            var statement = WholeStatement();
            return _ => statement;
        }
        var statements = new Dictionary<int, ShardStatement>();
        for (var index = 0; index < Shards.Count; index++)
            statements.Add(Shards[index], StatementOf(split, [.. Enumerable.Range(0, split.Rows.Length).Where(row => Order![row] == index)]));
        return shard => statements[shard];
    }

    public ShardStatement WholeStatement()
    {
        if (Edits.IsEmpty)
        {
            return new ShardStatement(Request.Sql)
            {
                Bind = Request.Bind,
                ParameterTypes = Request.ParameterTypes,
                NestedParameterTypes = Request.NestedParameterTypes,
            };
        }
        var text = new ShardText(Request, Edits, Offset);
        text.Add(Offset, Offset + Request.Sql.Length);
        return text.Statement();
    }

    /// <summary>An INSERT of some of its rows.</summary>
    public ShardStatement StatementOf(SplitRowsDraft split, IReadOnlyList<int> rows)
    {
        var text = new ShardText(Request, Edits, Offset);
        text.Add(Offset, split.Rows[0].Start);
        for (var index = 0; index < rows.Count; index++)
        {
            if (index > 0)
                text.Add(", "u8);
            text.Add(split.Rows[rows[index]].Start, split.Rows[rows[index]].End);
        }
        text.Add(split.Rows[^1].End, Offset + Request.Sql.Length);
        return text.Statement();
    }
}
