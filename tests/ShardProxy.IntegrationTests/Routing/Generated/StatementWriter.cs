namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>One whole statement from a list of choices.</summary>
internal static class StatementWriter
{
    // Each fails on every row that it is given, unless something in it is NULL.
    private static readonly string[] Failures =
    [
        "1 / ({0}.k IS NULL)::int4", "('x' || {0}.k)::int4", "(SELECT k FROM {1})", "nothing", "{0}.nothing", "missing({0}.k)", "('none' || {0}.k)::gen_mood",
        "2147483647 + length({0}.k::text) + 1", "sqrt(-1.0 - length({0}.k::text))", "substr('x', 1, -1 - length({0}.k::text))", "(length({0}.k::text) - 1000)::gen_small",
        "{0}.k + ARRAY[1]", "sum({0}.k) OVER (PARTITION BY missing)", "('infinity'::date + length({0}.k::text)) - 'infinity'::date",
    ];

    public static GeneratedStatement Write(Choices choices, GeneratedSchema schema)
    {
        var draft = new StatementDraft(choices);
        var queries = new QueryWriter(draft, schema);
        var form = choices.Roll(24);
        if (form == 23)
            return Failing(choices, schema);
        var with = "";
        if (form is 20 or 21)
            with = With(draft, queries);
        if (form == 22)
            with = Recursive(draft, schema);
        var query = choices.Roll(9) switch
        {
            5 or 6 or 7 => queries.Groups(null, 2, null, isTop: true),
            8 => queries.SetOperation(null, 2, null, isTop: true),
            _ => queries.Rows(null, 2, null, isTop: true),
        };
        var statement = new GeneratedStatement(with + query.Sql, draft.Parameters, query.Order, query.OrderColumns, with + query.WithoutLimit, draft.IsLoose);
        return statement.WithoutUnused();
    }

    private static string With(StatementDraft draft, QueryWriter queries)
    {
        var texts = new List<string>();
        for (var count = draft.Choices.Pick(1, 1, 2); count > 0; count--)
        {
            var shape = queries.Nested(null, 1, null) with { Name = draft.NewName("w") };
            draft.CommonTables.Add(shape);
            texts.Add($"{shape.Name} AS {draft.Choices.Pick("", "MATERIALIZED ", "NOT MATERIALIZED ")}({shape.Sql})");
        }
        return $"WITH {string.Join(", ", texts)} ";
    }

    private static string Recursive(StatementDraft draft, GeneratedSchema schema)
    {
        var choices = draft.Choices;
        var pairs = schema.Tables.SelectMany(table => table.Columns.Skip(1).Where(column => column.Type.Kind == table.Columns[0].Type.Kind && column.Type.Kind.IsOrdered()).Select(column => (table, column))).ToList();
        var (from, link) = pairs.Count == 0 ? (schema.Tables[0], schema.Tables[0].Columns[0]) : choices.Pick(pairs);
        var key = from.Columns[0];
        if (key.Type.Kind.IsLoose() || link.Type.Kind.IsLoose())
            draft.IsLoose = true;
        var name = draft.NewName("r");
        draft.CommonTables.Add(new QueryShape(name, "", [("k", key.Type.Kind), ("d", ValueKind.Small)], ["k", "d"], 60));
        // Columns of both sides have the type of the left one.
        return $"WITH RECURSIVE {name}(k, d) AS (SELECT a.{key.Name}, 1 FROM {from.Name} a UNION SELECT b.{key.Name}, {name}.d + 1 FROM {name} JOIN {from.Name} b ON b.{link.Name} = {name}.k WHERE {name}.d < {2 + choices.Roll(3)}) ";
    }

    private static GeneratedStatement Failing(Choices choices, GeneratedSchema schema)
    {
        var table = choices.Pick(schema.Tables.Where(static table => table.Group >= 0).ToList());
        var failure = string.Format(choices.Pick(Failures), "f", table.Name);
        var text = choices.Roll(4) switch
        {
            0 => $"SELECT {failure} FROM {table.Name} f",
            1 => $"SELECT k, {failure} FROM {table.Name} f ORDER BY k",
            2 => $"SELECT count(*), max({failure}) FROM {table.Name} f",
            _ => $"SELECT f.k FROM {table.Name} f JOIN {schema.Tables[1].Name} t ON t.n <> 1000 WHERE ({failure}) IS NOT NULL",
        };
        return new GeneratedStatement(text, [], RowOrderRule.None, [], text, false);
    }
}
