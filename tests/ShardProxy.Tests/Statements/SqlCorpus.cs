using System.Text;

namespace ShardProxy.Tests.Statements;

/// <summary>Texts with every kind of token, and seeded mutations of them.</summary>
internal static class SqlCorpus
{
    public static readonly string[] Texts =
    [
        "SELECT abalance FROM pgbench_accounts WHERE aid = 123;",
        "UPDATE pgbench_accounts SET abalance = abalance + -42 WHERE aid = 17",
        "INSERT INTO t (a, b, c) VALUES (1, 'x', NULL), (2, 'it''s', TRUE) RETURNING *",
        "select a.b, \"C d\"\"e\".\"f\" from \"A\" as a where x in (1, 2, 3) and y = any (array['a', 'b'])",
        "select E'a\\'b\\n\\\\', e'\\x41\\101\\u0041', $$a'b$$, $q$ $a$ $q$, U&'d\\0061t!+000061' uescape '!', U&\"d\\0061\"",
        "select b'0101', X'1F', n'abc', N'x''y', nchar 'z', date '2020-01-01', interval '1' day",
        "select 1, 1.5, .5, 1., 1e10, 1.5E-3, 1..10, 007, 2147483647, 2147483648, 9223372036854775807, 9223372036854775808",
        "select $1, $2::int, a[1:2], a[:$3], f(x => 1), g(y := 'z'), 5 :: text",
        "select a<>b, a!=b, a<=-1, a>=+1, a=-1, a->>'k', a#>>'{a,b}', a@>b, a @-1, a*-+-1, a||b, a ? 'k', a?|b, ~1, |/4.0, @-5, 2^3%4",
        "select 1 /* c /* nested ' */ */ + 2 -- line ' comment\n * 3 /**/ /***/ - -1",
        "select 'a'\n  'b' -- c\n , 'x' 'y', E'a'\n'b\\'', b'01'\n'10', 'p' \r\n'r'",
        "select 'größe', größe, \"größe\" from öl where ä = 'ß'",
        "create table t (id int8 primary key, v varchar(10), n numeric(10,2) default 0.5, c char(3))",
        "create function f(int) returns int language sql as $f$ select $1 + 1; $f$; select f(1)",
        "create rule r as on insert to t do also (insert into u values (1); insert into v values (2))",
        "begin; savepoint a; rollback to a; commit",
        "with x as (select 1 in (1), 2 not in (3, 4.5, 5000000000)) table x limit 5 offset 10",
        "copy t (a, b) from stdin with (format csv, delimiter ',', quote '\"')",
        "select * from t where (a, b) in ((1, 2), (3, 4)) and c in ('x') and d in (1, 'y') and e in (select 1)",
        "select array[1, 2][1], array[[1], [2]], array['a'::text], t.in(1), x.array[1], case when a in (1) then 2 end",
        "/* shardproxy: key=1 */ select 1; ; select 2 ;",
        "select $a$ $$ $b$ $a$ , a$b$c, $1, x$1",
    ];

    private static readonly string[] Pieces =
    [
        "'", "''", "\"", "\\", "\\'", "$", "$$", "$a$", "$1", "/*", "*/", "--", "\n", "\r", " ", "\t", "+", "-", "*", "/", "=", "<", ">", "!", "@",
        "~", "#", "^", "&", "|", "`", "?", "%", ":", "::", ":=", ".", "..", ",", ";", "(", ")", "[", "]", "0", "1", "9", "1e5", "e", "E'", "b'", "x'",
        "n'", "U&'", "u&\"", "uescape", " in (", " array[", "as ", "ä", "_", "a", "Z", "2147483648", "{", "}",
    ];

    public static byte[] Mutate(Random random)
    {
        var text = new StringBuilder(Texts[random.Next(Texts.Length)]);
        for (var count = random.Next(8); count >= 0; count--)
        {
            var at = random.Next(text.Length + 1);
            switch (random.Next(4))
            {
                case 0:
                    text.Remove(at, Math.Min(random.Next(4), text.Length - at));
                    break;
                case 1:
                    var other = Texts[random.Next(Texts.Length)];
                    var from = random.Next(other.Length);
                    text.Insert(at, other.AsSpan(from, Math.Min(random.Next(20), other.Length - from)));
                    break;
                default:
                    text.Insert(at, Pieces[random.Next(Pieces.Length)]);
                    break;
            }
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
