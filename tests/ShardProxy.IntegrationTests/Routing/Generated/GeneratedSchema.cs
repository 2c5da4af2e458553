using System.Text;

namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>
/// Tables, views and their rows from a seed: two colocation groups with keys of some type, one of them with a child table
/// under a composite key, a table without a primary key, reference tables, tables of the home shard, views over them.
/// </summary>
internal sealed class GeneratedSchema
{
    /// <summary>Made once in each database; names that all seeds use.</summary>
    public static IReadOnlyList<string> Prelude { get; } =
    [
        "CREATE TYPE gen_mood AS ENUM ('sad', 'ok', 'happy')",
        "CREATE TYPE gen_pair AS (a int4, b text)",
        "CREATE DOMAIN gen_small AS int4 CHECK (VALUE >= 0)",
        "CREATE DOMAIN gen_label AS text CHECK (VALUE <> '')",
        "CREATE COLLATION gen_nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "CREATE FUNCTION gen_twice(n int8) RETURNS int8 LANGUAGE sql IMMUTABLE AS 'SELECT n * 2'",
        "CREATE FUNCTION gen_name(n int8) RETURNS text LANGUAGE plpgsql STABLE AS $$BEGIN RETURN coalesce('n' || n, 'none'); END$$",
    ];

    private const int ReferenceGroup = -1;
    private const int HomeGroup = -2;
    private const int ViewGroup = -3;

    private readonly Choices _choices;
    private readonly string _prefix;
    private readonly List<GeneratedTable> _tables = [];
    private readonly List<string> _definitions = [];
    private readonly List<string> _views = [];
    private readonly List<string> _distributions = [];
    private readonly List<(string Table, string Rows)> _rows = [];

    public GeneratedSchema(int seed)
    {
        _choices = new Choices(seed);
        _prefix = $"g{seed}_";
        var first = _choices.Pick(SampleType.Keys);
        var second = _choices.Pick(SampleType.Keys);
        var owners = AddTable("owners", 0, [new("k", first)], 1, 14);
        AddTable("things", 0, [new("k", first), new("n", SampleType.All[0])], 2, 50, new GeneratedColumn("peer", second), new GeneratedColumn("ref", SampleType.All[0]));
        AddTable("others", 1, [new("k", second)], 1, 12, new GeneratedColumn("owner", first));
        AddTable("logs", 1, [new("k", second)], 0, 40);
        AddTable("nobody", 0, [new("k", first)], 1, 0);
        AddTable("refs", ReferenceGroup, [new("id", SampleType.All[0])], 1, 9);
        AddTable("homes", HomeGroup, [new("id", SampleType.All[0])], 1, 10, new GeneratedColumn("k", first));
        AddView("view1", $"SELECT k, {owners.Columns[^1].Name} FROM {owners.Name} WHERE k IS NOT NULL", [owners.Columns[0], owners.Columns[^1]], ["k"], 14);
        AddView("view2", $"SELECT t.ref AS r, count(*)::int4 AS c FROM {_prefix}things t LEFT JOIN {_prefix}refs r ON r.id = t.ref GROUP BY t.ref",
            [new("r", SampleType.All[0]), new("c", SampleType.All[0])], ["r"], 12);
    }

    public IReadOnlyList<GeneratedTable> Tables => _tables;

    public IReadOnlyList<string> Definitions => _definitions;

    /// <summary>Behind <see cref="Distributions"/>.</summary>
    public IReadOnlyList<string> Views => _views;

    /// <summary>To be called in the proxies' databases, behind <see cref="Definitions"/> and before <see cref="Rows"/>.</summary>
    public IReadOnlyList<string> Distributions => _distributions;

    /// <summary>Rows in COPY's text format.</summary>
    public IReadOnlyList<(string Table, string Rows)> Rows => _rows;

    public IEnumerable<string> Drops =>
        [$"DROP VIEW {_prefix}view1, {_prefix}view2", .. _tables.Where(static table => table.Group > ViewGroup).Select(static table => $"DROP TABLE {table.Name}")];

    private GeneratedTable AddTable(string name, int group, GeneratedColumn[] keys, int unique, int rows, params GeneratedColumn[] fixedColumns)
    {
        var columns = keys.Concat(fixedColumns).ToList();
        for (var count = 3 + _choices.Roll(4); count > 0; count--)
            columns.Add(new GeneratedColumn($"c{columns.Count}", _choices.Pick(SampleType.All)));
        var table = new GeneratedTable(_prefix + name, columns, [.. keys.Take(unique).Select(static key => key.Name)], group, rows);
        _tables.Add(table);
        var primary = unique > 0 ? $", PRIMARY KEY ({string.Join(", ", table.Unique)})" : "";
        _definitions.Add($"CREATE TABLE {table.Name} ({string.Join(", ", columns.Select((column, index) => $"{column.Name} {column.Type.Sql}{(index == 0 ? " NOT NULL" : "")}"))}{primary})");
        if (group >= 0)
        {
            var leader = _tables.Find(other => other.Group == group)!;
            _distributions.Add($"SELECT create_distributed_table('{table.Name}', 'k'{(leader == table ? "" : $", colocate_with => '{leader.Name}'")})");
        }
        else if (group == ReferenceGroup)
        {
            _distributions.Add($"SELECT create_reference_table('{table.Name}')");
        }
        if (rows > 0)
            _rows.Add((table.Name, RowsOf(table)));
        return table;
    }

    private void AddView(string name, string query, GeneratedColumn[] columns, string[] unique, int rows)
    {
        _tables.Add(new GeneratedTable(_prefix + name, columns, unique, ViewGroup, rows));
        _views.Add($"CREATE VIEW {_prefix}{name} AS {query}");
    }

    private string RowsOf(GeneratedTable table)
    {
        var text = new StringBuilder();
        var seen = new HashSet<string>();
        for (var row = 0; row < table.MaxRows; row++)
        {
            var values = table.Columns.Select((column, index) => index == 0 || table.Unique.Contains(column.Name)
                ? _choices.Pick(column.Type.Values)
                : _choices.Once(6) ? null : _choices.Pick(column.Type.Values)).ToList();
            if (table.Unique.Count > 0 && !seen.Add(string.Join('|', values.Take(table.Unique.Count))))
                continue;
            text.AppendJoin('\t', values.Select(static value => value is null ? "\\N" : value.Replace(@"\", @"\\"))).Append('\n');
        }
        return text.ToString();
    }
}
