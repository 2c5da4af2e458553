using System.Collections.Immutable;
using ShardProxy.Directory;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// A semi-join: a row of a read matters only if its column has a value that a column of the source has in one of its rows.
/// The values may then be sent to the shards, so that they leave out the other rows; it is no mistake not to.
/// </summary>
/// <param name="Read">Index of the read that can be cut down.</param>
/// <param name="Type">The values' type: one that is compared with the column's by a built-in operator = of a btree family, and has one text on all servers.</param>
public sealed record KeyLink(int Read, string Column, uint Type, KeySource Source)
{
    /// <summary>
    /// Both columns are the keys of tables that share their places, so that equal values are on one shard: a shard can look for the
    /// values among the rows that it sends of the source itself.
    /// </summary>
    public bool IsWithinShard { get; init; }
}

/// <param name="Read">Index of the read whose rows are the source; -1 for a table that is on the home shard as a whole.</param>
/// <param name="Table">That table; null for a read.</param>
/// <param name="Conditions">Of the table, that each of its rows must meet to matter; a read has its own.</param>
public sealed record KeySource(int Read, QualifiedName? Table, string Column, ImmutableArray<ReadCondition> Conditions)
{
    /// <summary>Of the table, by sources that are such tables too; their <see cref="KeyLink.Read"/> says nothing.</summary>
    public ImmutableArray<KeyLink> Links { get; init; } = [];

    /// <summary>Something leaves out rows of the table.</summary>
    public bool IsFiltered => !Conditions.IsEmpty || Links.Any(static link => link.Source.IsFiltered);

    public bool HasParameters => Conditions.Any(static condition => condition.HasParameters) || Links.Any(static link => link.Source.HasParameters);

    /// <summary>Tells sources apart.</summary>
    internal string Key => $"{Read} {Table} {Column} {string.Join(" AND ", Conditions.Select(static condition => condition.Text).Concat(Links.Select(static link => $"{link.Column} = ({link.Source.Key})")))}";
}
