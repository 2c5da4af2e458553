using System.Text;

namespace ShardProxy.Benchmarks.Statements;

internal static class SampleStatements
{
    public static readonly byte[] PointSelect = "SELECT abalance FROM pgbench_accounts WHERE aid = 1234567;"u8.ToArray();

    /// <summary>About 2 KB, as an object mapper writes it: many quoted columns, joins, a list of keys.</summary>
    public static readonly byte[] Mapped = Encoding.UTF8.GetBytes(
        "SELECT " + string.Join(", ", Enumerable.Range(0, 40).Select(static number => $"o.\"Column{number}\" AS \"C{number}\""))
        + " FROM \"Orders\" AS o INNER JOIN \"Users\" AS u ON o.\"UserId\" = u.\"Id\" LEFT JOIN \"Lines\" AS l ON l.\"UserId\" = o.\"UserId\""
        + " WHERE o.\"UserId\" = 42 AND o.\"State\" IN (" + string.Join(", ", Enumerable.Range(1, 60)) + ")"
        + " AND o.\"Note\" LIKE 'it''s %' AND o.\"Created\" >= TIMESTAMPTZ '2024-01-01 00:00:00Z' ORDER BY o.\"Created\" DESC, l.\"Id\" LIMIT 50");
}
