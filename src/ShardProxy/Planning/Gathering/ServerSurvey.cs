using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// Finds what a statement rests on, and whether it could mean something else on a server that has PostgreSQL's own functions,
/// operators and types, and nothing of the users': then it stays at home. What it says is proven again where the statement
/// runs (see <see cref="ServerNeeds"/>).
/// </summary>
internal sealed class ServerSurvey
{
    // What the grammar writes as words, and what joins, sorting and grouping compare by.
    private static readonly string[] ImpliedOperators = ["=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*"];

    // Words that are no functions in the grammar; all of them give what their operands are, or the clock.
    private static readonly HashSet<string> KnownForms = new(StringComparer.Ordinal)
    {
        "CoalesceExpr", "MinMaxExpr", "GroupingFunc", "GroupingSet", "CaseExpr", "CaseWhen", "A_Indirection", "A_Indices", "String", "SortBy", "SQLValueFunction",
    };

    private static readonly string[] ClockWords = ["current_date", "current_timestamp", "current_time", "localtimestamp", "localtime"];

    private readonly SortedSet<string> _functions = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _operators = new(ImpliedOperators, StringComparer.Ordinal);

    /// <summary>Nothing that was found of the statement is about one server, or the user's.</summary>
    public static bool MayLeaveHome(Findings findings, Names names) => names.SystemFirst
        && findings is
        {
            Refusal: null, HomeFunction: null, PrefersHome: false, ReadsTemporary: false, Unspreadable: null, VolatileFunction: null,
            Locks: false, Collates: false, ReadsHiddenClock: false, Traits: Traits.None,
        };

    /// <summary>Its rows can be read by a query of their own.</summary>
    public static bool IsReadable(ResolvedRelation relation) => relation is
    {
        Class: RelationClass.Reference or RelationClass.Home or RelationClass.View,
        Relation.Kind: RelationKind.Table or RelationKind.PartitionedTable or RelationKind.View or RelationKind.MaterializedView or RelationKind.ForeignTable,
    };

    public ServerNeeds Needs(bool readsClock) => new([.. _functions], [.. _operators], readsClock);

    public static void Note(Query query, GatherSurvey survey)
    {
        if (query is RowQuery { SortKeys: var keys } && keys.Any(static key => key.HasOperator))
            Refuse(survey, "ORDER BY … USING");
    }

    public void Note(Expression? expression, SourceText source, GatherSurvey survey)
    {
        switch (expression)
        {
            case FunctionCall call when IsPlain(call.Names):
                _functions.Add(call.Names[^1]);
                break;
            case OperatorExpression comparison when IsPlain(comparison.OperatorNames):
                _operators.Add(comparison.OperatorNames[^1]);
                break;
            case SubqueryExpression subquery when IsPlain(subquery.OperatorNames):
                _operators.Add(subquery.OperatorNames[^1]);
                break;
            case FunctionCall or OperatorExpression or SubqueryExpression { OperatorNames.Length: > 0 }:
                Refuse(survey, "a name with a schema");
                break;
            case TypeCast { Type.Names: [not "pg_catalog", _, ..] }:
                Refuse(survey, "a type with a schema");
                break;
            case OtherExpression { Kind: "SQLValueFunction" } word when !IsClock(word, source):
                Refuse(survey, "who the user is");
                break;
            case OtherExpression other when !KnownForms.Contains(other.Kind):
                Refuse(survey, other.Kind);
                break;
            case DefaultValue or CurrentOfCursor:
                Refuse(survey, "a value that is the table's");
                break;
        }
    }

    private static bool IsPlain(ImmutableArray<string> names) => names.Length == 1 || names is ["pg_catalog", _];

    private static bool IsClock(OtherExpression word, SourceText source)
    {
        if (source.IsView || word.Location < 0 || word.Location >= source.Bytes.Length)
            return false;
        var text = source.Bytes[word.Location..];
        foreach (var clock in ClockWords)
        {
            if (text.Length >= clock.Length && System.Text.Ascii.EqualsIgnoreCase(text[..clock.Length], clock))
                return true;
        }
        return false;
    }

    private static void Refuse(GatherSurvey survey, string what) => survey.Refuse($"{what} could mean something else on another server", null);
}
