using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace ShardProxy.Statements.Syntax;

/// <summary>Reads SELECT, VALUES, set operations and the statements that write.</summary>
internal static class QueryReader
{
    public static bool IsQuery(SyntaxNode node) =>
        node.Kind is "SelectStmt" or "InsertStmt" or "UpdateStmt" or "DeleteStmt" or "MergeStmt";

    public static Query Read(SyntaxNode node)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        Query query = node.Kind switch
        {
            "InsertStmt" => WriteReader.ReadInsert(node),
            "UpdateStmt" => WriteReader.ReadUpdate(node),
            "DeleteStmt" => WriteReader.ReadDelete(node),
            "MergeStmt" => WriteReader.ReadMerge(node),
            _ => ReadRows(node),
        };
        return query with { With = ReadWith(node.Node("withClause")) };
    }

    public static RowQuery ReadRowQuery(SyntaxNode node) => (RowQuery)Read(node);

    public static TableName ReadTableName(SyntaxNode node) => new(
        node.Text("catalogname"),
        node.Text("schemaname"),
        node.Text("relname") ?? "",
        node.Text("relpersistence") == "t");

    public static ImmutableArray<OutputItem> ReadOutputs(IEnumerable<SyntaxNode> items) =>
        [.. items.Select(static item => new OutputItem(ExpressionReader.Read(item.Node("val")), item.Text("name")))];

    private static RowQuery ReadRows(SyntaxNode node)
    {
        RowQuery rows;
        if (node.Text("op") is "SETOP_UNION" or "SETOP_INTERSECT" or "SETOP_EXCEPT")
        {
            var form = node.Text("op") switch
            {
                "SETOP_UNION" => SetOperator.Union,
                "SETOP_INTERSECT" => SetOperator.Intersect,
                _ => SetOperator.Except,
            };
            rows = new SetOperation(form, node.Flag("all"), Read(node.Node("larg")), Read(node.Node("rarg")));
        }
        else if (node.Has("valuesLists"))
        {
            rows = new ValuesQuery([.. node.List("valuesLists").Select(static row => ExpressionReader.ReadAll(row.Items()))]);
        }
        else
        {
            rows = ReadSelect(node);
        }
        return rows with
        {
            Order = ExpressionReader.ReadAll(node.List("sortClause")),
            Limits = ExpressionReader.ReadAll([node.Node("limitCount"), node.Node("limitOffset")]),
            SortKeys = [.. node.List("sortClause").Select(ReadSortKey)],
            LimitCount = ExpressionReader.ReadOptional(node.Node("limitCount")),
            LimitOffset = ExpressionReader.ReadOptional(node.Node("limitOffset")),
            WithTies = node.Text("limitOption") == "LIMIT_OPTION_WITH_TIES",
            Locks = node.List("lockingClause").Any(),
            LockClauses = [.. node.List("lockingClause").Select(ReadLock)],
        };
    }

    private static LockClause ReadLock(SyntaxNode node) => new(
        node.Text("strength") switch
        {
            "LCS_FORKEYSHARE" => "FOR KEY SHARE",
            "LCS_FORSHARE" => "FOR SHARE",
            "LCS_FORNOKEYUPDATE" => "FOR NO KEY UPDATE",
            _ => "FOR UPDATE",
        },
        [.. node.List("lockedRels").Select(static table => table.Text("relname") ?? "")],
        Skips: node.Text("waitPolicy") == "LockWaitSkip",
        Fails: node.Text("waitPolicy") == "LockWaitError");

    private static SortItem ReadSortKey(SyntaxNode node) => new(
        ExpressionReader.Read(node.Node("node")),
        node.Text("sortby_dir") == "SORTBY_DESC",
        node.Text("sortby_nulls") switch
        {
            "SORTBY_NULLS_FIRST" => true,
            "SORTBY_NULLS_LAST" => false,
            _ => null,
        },
        node.Text("sortby_dir") == "SORTBY_USING");

    private static Select ReadSelect(SyntaxNode node)
    {
        var into = node.Node("intoClause");
        return new Select(
            ReadOutputs(node.List("targetList")),
            FromReader.ReadAll(node.List("fromClause")),
            ExpressionReader.ReadOptional(node.Node("whereClause")))
        {
            IsDistinct = node.Has("distinctClause"),
            DistinctOn = ExpressionReader.ReadAll(node.List("distinctClause")),
            Groups = ExpressionReader.ReadAll(node.List("groupClause")),
            HasGroupingSets = node.List("groupClause").Any(static group => group.Is("GroupingSet")),
            Having = ExpressionReader.ReadOptional(node.Node("havingClause")),
            Windows = [.. node.List("windowClause").Select(ExpressionReader.ReadWindow)],
            Into = into.Exists ? ReadTableName(into.Node("rel")) : null,
        };
    }

    private static WithClause? ReadWith(SyntaxNode node) => !node.Exists
        ? null
        : new WithClause(
            node.Flag("recursive"),
            [.. node.List("ctes").Select(static table => new CommonTable(
                table.Text("ctename") ?? "",
                [.. table.Names("aliascolnames")],
                Read(table.Node("ctequery")),
                table.Has("search_clause") || table.Has("cycle_clause")))]);
}
