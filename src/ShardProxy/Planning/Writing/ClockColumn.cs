using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Planning.Writing;

/// <summary>A column that a COPY leaves out and whose default reads the clock.</summary>
/// <param name="Type">One of those that <see cref="TypeName"/> knows.</param>
/// <param name="Default">With <see cref="StatementClock"/>'s marks in place of the clock.</param>
internal sealed record ClockColumn(string Name, uint Type, string Default)
{
    /// <summary>How SQL names the type.</summary>
    public string TypeName => NameOf(Type)!;

    /// <summary>The function that gives a value's binary form.</summary>
    public string SendFunction => Type switch
    {
        TypeOid.Timestamptz => "timestamptz_send",
        TypeOid.Timestamp => "timestamp_send",
        TypeOid.Date => "date_send",
        TypeOid.Time => "time_send",
        _ => "textsend",
    };

    /// <summary>Those of the columns left out whose value can be told; the shards compute the others.</summary>
    public static ImmutableArray<ClockColumn> Of(Relation table, List<string> copied) =>
    [
        .. ClockDefaults.Of(table)
            .Where(column => !copied.Contains(column.Name) && NameOf(column.TypeOid) is not null)
            .Select(static column => new ClockColumn(column.Name, column.TypeOid, StatementClock.Default(column.Default)!))
            .Where(static column => column.Default.Length > 0),
    ];

    private static string? NameOf(uint type) => type switch
    {
        TypeOid.Timestamptz => "timestamptz",
        TypeOid.Timestamp => "timestamp",
        TypeOid.Date => "date",
        TypeOid.Time => "time",
        TypeOid.Text or TypeOid.Varchar => "text",
        _ => null,
    };
}
