namespace ShardProxy.IntegrationTests.Routing.Keys;

/// <summary>Writes statements that name keys of a table t(k, region, v) in every way there is; the same from the same seed.</summary>
public sealed class KeyStatements(KeyPool pool, string table, int seed)
{
    private static readonly string[] Regions = ["eu", "us", "ch", "mars"];

    private readonly Random _random = new(seed);
    private readonly List<KeyParameter> _parameters = [];

    public static int FormCount => 40;

    /// <param name="form">Which kind of condition; from 0 to <see cref="FormCount"/>.</param>
    public KeyStatement Next(int form)
    {
        _parameters.Clear();
        var condition = Condition(form);
        if (_random.Next(2) == 0)
            condition = $"({condition}) AND {Region()}";
        var sql = Statement(condition);
        return new KeyStatement(sql, [.. _parameters]);
    }

    private string Statement(string condition) => _random.Next(12) switch
    {
        0 => $"SELECT count(*), sum(v), min(v) FROM {table} a WHERE {condition}",
        1 => $"SELECT a.k, b.v FROM {table} a JOIN {table} b ON a.k = b.k AND a.region = b.region WHERE {condition.Replace("region", "a.region").Replace("a.a.", "a.")}",
        2 => $"WITH w AS (SELECT * FROM {table} a WHERE {condition}) SELECT k, v FROM w",
        3 => $"SELECT k, v FROM {table} a WHERE {condition} UNION ALL SELECT k, v FROM {table} a WHERE {condition}",
        4 => $"SELECT k, v FROM {table} z WHERE (k, region) IN (SELECT k, region FROM {table} a WHERE {condition})",
        5 => $"UPDATE {table} a SET v = v + 1000 WHERE {condition} RETURNING k, v",
        6 => $"DELETE FROM {table} a WHERE ({condition}) AND v > 100000 RETURNING *",
        // Of a numeric's spellings any may stand for the group.
        7 when pool.Oid != 1700 => $"SELECT region, k, sum(v) FROM {table} a WHERE {condition} GROUP BY k, region",
        8 when pool.Oid != 1700 => $"SELECT DISTINCT k FROM {table} a WHERE {condition}",
        _ => $"SELECT k, region, v FROM {table} a WHERE {condition}",
    };

    private string Region() => _random.Next(5) switch
    {
        0 => $"region IN ('{Any(Regions)}', '{Any(Regions)}')",
        1 => $"'{Any(Regions)}' = region",
        2 => $"region = ANY ('{{{Any(Regions)},{Any(Regions)}}}')",
        3 when _parameters.Count < 3 => $"region = {Parameter(Any(Regions), 0, isBinary: false, "text")}",
        _ => $"region = '{Any(Regions)}'",
    };

    private string Condition(int form) => form switch
    {
        0 or 1 or 2 => $"k = {Term()}",
        3 => $"{Term()} = k",
        4 => $"k IN ({Term()}, {Term()}, {Term()})",
        5 => $"k IN ({Term()})",
        6 => $"k = ANY ({Array()})",
        7 => $"k = ANY (ARRAY[{Term()}, {Term()}]::{pool.Cast}[])",
        8 => $"k = ANY (ARRAY[{Literal()}::{pool.Cast}, {Literal()}::{pool.Cast}])",
        9 => $"k = {Term()} OR k = {Term()}",
        10 => $"k BETWEEN {Term()} AND {Term()}",
        11 => $"k BETWEEN SYMMETRIC {Term()} AND {Term()}",
        12 => $"k < {Term()}",
        13 => $"k <= {Term()}",
        14 => $"k > {Term()}",
        15 => $"{Term()} >= k",
        16 => $"NOT k <> {Term()}",
        17 => $"NOT (k < {Term()} OR k > {Term()})",
        18 => $"k >= {Term()} AND k <= {Term()}",
        19 => $"(k, v) = ({Term()}, {_random.Next(20)})",
        20 => $"(k, v) IN (({Term()}, {_random.Next(20)}), ({Term()}, {_random.Next(20)}))",
        21 => $"(k, region) = ({Term()}, '{Any(Regions)}')",
        22 => $"(k, v) >= ({Term()}, 3)",
        23 => $"k IS NOT DISTINCT FROM {Term()}",
        24 => $"NOT k IS DISTINCT FROM {Term()}",
        25 => $"k IN (SELECT b.k FROM {table} b WHERE b.k = {Term()})",
        26 => $"EXISTS (SELECT FROM {table} b WHERE b.k = a.k AND b.region = a.region AND b.k = {Term()})",
        27 => $"k = (SELECT {Literal()}::{pool.Cast})",
        28 => $"k IN (VALUES ({Literal()}::{pool.Cast}), ({Literal()}))",
        29 => $"k IN ({Term()}, NULL)",
        30 => "k = NULL OR k IS NULL",
        31 => $"k NOT IN ({Term()}, {Term()})",
        32 => $"COALESCE(k, {Literal()}) = {Term()}",
        33 => $"k::text = {Literal()}",
        34 => $"CASE WHEN k = {Term()} THEN true ELSE v < 5 END",
        35 => $"(k = {Term()} AND v >= 0) OR (k = {Term()} AND (region, v) > ('c', 2))",
        36 => $"k = {Term()} AND k = {Term()}",
        37 => $"(k > {Term()} AND k < {Term()}) OR k = {Term()}",
        38 => $"(k = {Term()}) IS TRUE AND (k <> {Term()}) IS NOT FALSE",
        _ => $"k <> ALL ({Array()}) AND NOT k <> ALL ({Array()})",
    };

    /// <summary>A key in one of the ways in which it is written.</summary>
    private string Term()
    {
        var value = Any(pool.Values);
        switch (_random.Next(14))
        {
            case 0:
                return $"{KeyPool.Quote(value)}::{pool.Cast}";
            case 1:
                return $"CAST({KeyPool.Quote(value)} AS {pool.Cast})";
            case 2:
                return Parameter(value, 0, isBinary: false, pool.Cast);
            case 3:
                return Parameter(value, pool.Oid, isBinary: false, pool.Cast);
            case 4:
                return Parameter(value, pool.Oid, isBinary: true, pool.Cast);
            case 5:
                return Parameter(value, 705, isBinary: false, pool.Cast);
            case 6:
                return $"{Parameter(value, 0, isBinary: false, pool.Cast)}::{pool.Cast}";
            case 7 when pool.IsNumber && IsPlain(value):
                return value;
            case 8 when pool.IsNumber && IsPlain(value):
                return $"{value}.0";
            case 9 when pool.IsInteger:
                return $"{KeyPool.Quote(value)}::int8";
            case 9 when pool.IsNumber && IsPlain(value):
                return $"(- {(value[0] == '-' ? value[1..] : "-" + value)})";
            case 10 when pool.IsInteger:
                return Parameter(value, 20, isBinary: true, "int8");
            case 10 when pool.IsText:
                return $"{KeyPool.Quote(value)}::{(_random.Next(2) == 0 ? "text" : "varchar")}";
            case 11 when pool.IsNumber:
                return Parameter(value, 1700, isBinary: _random.Next(2) == 0, "numeric");
            case 11 when pool.IsText && !value.Contains('$', StringComparison.Ordinal):
                return $"$q${value}$q$";
            case 12 when pool.IsText:
                return "E" + KeyPool.Quote(value.Replace("\\", "\\\\", StringComparison.Ordinal));
            case 12 when pool.IsNumber && IsPlain(value):
                return $"{value}::numeric";
            default:
                return KeyPool.Quote(value);
        }
    }

    private string Literal() => KeyPool.Quote(Any(pool.Values));

    private string Array()
    {
        var elements = Enumerable.Range(0, _random.Next(4)).Select(_ => _random.Next(8) == 0 ? "NULL" : KeyPool.Element(Any(pool.Values)));
        var text = "{" + string.Join(",", elements) + "}";
        return _random.Next(5) switch
        {
            0 => KeyPool.Quote(text),
            1 => $"{KeyPool.Quote(text)}::{pool.Cast}[]",
            2 => Parameter(text, 0, isBinary: false, pool.Cast + "[]"),
            3 => Parameter(text, pool.ArrayOid, isBinary: true, pool.Cast + "[]"),
            _ => Parameter(text, pool.ArrayOid, isBinary: false, pool.Cast + "[]"),
        };
    }

    private string Parameter(string value, uint declared, bool isBinary, string cast)
    {
        _parameters.Add(new KeyParameter(value, declared, isBinary, cast));
        return $"${_parameters.Count}";
    }

    private static bool IsPlain(string value) => value.All(static c => char.IsAsciiDigit(c) || c == '-');

    private string Any(string[] values) => values[_random.Next(values.Length)];
}
