using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Sessions.Drawing;

namespace ShardProxy.Sessions;

/// <summary>A statement that a client has prepared, by Parse or by SQL PREPARE.</summary>
public sealed class ClientStatement
{
    private SessionPlanning? _plannedUnder;
    private PlannedStatement? _planned;

    public ClientStatement(PreparedText text, bool isUnnamed)
    {
        Text = Written = text;
        IsUnnamed = isUnnamed;
    }

    /// <summary>What servers are sent: as the client wrote it, or with parameters for what it draws.</summary>
    public PreparedText Text { get; private set; }

    /// <summary>As the client wrote it.</summary>
    public PreparedText Written { get; }

    /// <summary>The parameters that <see cref="Text"/> has behind the client's own; null when it has none.</summary>
    internal DrawnParameters? Drawn { get; private set; }

    /// <summary>The unnamed statement is parsed under the unnamed name on servers too, so that it leaves nothing behind.</summary>
    public bool IsUnnamed { get; }

    /// <summary>Of an SQL EXECUTE: the statement that had its name when it was parsed, and so describes it.</summary>
    public ClientStatement? Executes { get; set; }

    /// <summary>The plan, if it was made under this very state.</summary>
    public PlannedStatement? PlanUnder(SessionPlanning planning) => ReferenceEquals(_plannedUnder, planning) ? _planned : null;

    /// <summary>No literal of the text says where it runs, so the text need not be read again to bind it.</summary>
    public bool BindsParametersOnly { get; private set; }

    public void SetPlan(SessionPlanning planning, PlannedStatement planned)
    {
        BindsParametersOnly = planned.Plan is OneShardPlan { Choice: var choice } && (choice is not KeyedShard keyed || keyed.Relations.All(HasNoLiteral));
        _plannedUnder = planning;
        _planned = planned;
    }

    /// <summary>The text with parameters for what the statement draws; null for <paramref name="drawn"/> goes back to the client's own.</summary>
    internal void Rewrite(PreparedText text, DrawnParameters? drawn)
    {
        Text = text;
        Drawn = drawn;
        _planned = null;
        _plannedUnder = null;
    }

    private static bool HasNoLiteral(KeySet set) => set switch
    {
        KeyEquals equals => equals.Term is not LiteralTerm,
        KeyInArray inArray => inArray.Array is not LiteralTerm,
        KeyRange range => range.Bounds.All(static bound => bound.Term is not LiteralTerm),
        KeyUnion union => union.Sets.All(HasNoLiteral),
        KeyIntersection intersection => intersection.Sets.All(HasNoLiteral),
        _ => true,
    };
}
