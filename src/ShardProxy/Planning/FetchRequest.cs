using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

public enum FetchDirection
{
    Forward,
    Backward,
    Absolute,
    Relative,
}

/// <summary>What a FETCH or MOVE asks for, as the grammar has it: FIRST is ABSOLUTE 1, LAST is ABSOLUTE -1, PRIOR is BACKWARD 1.</summary>
/// <param name="Count"><see cref="All"/> for ALL.</param>
/// <remarks>Read when it runs and only for cursors of the proxy's own: a plan of FETCH holds for every count.</remarks>
public sealed record FetchRequest(FetchDirection Direction, long Count, bool IsMove)
{
    public const long All = long.MaxValue;

    /// <param name="sql">The statement by itself. Null when it is no FETCH and no MOVE.</param>
    public static FetchRequest? Read(ReadOnlySpan<byte> sql)
    {
        if (SqlParser.Parse(sql) is not SyntaxTree { Statements: [{ Statement: UtilityStatement { Node: { Kind: "FetchStmt" } node } }] })
            return null;
        var direction = node.Text("direction") switch
        {
            "FETCH_BACKWARD" => FetchDirection.Backward,
            "FETCH_ABSOLUTE" => FetchDirection.Absolute,
            "FETCH_RELATIVE" => FetchDirection.Relative,
            _ => FetchDirection.Forward,
        };
        return new FetchRequest(direction, node.LargeNumber("howMany"), node.Flag("ismove"));
    }
}
