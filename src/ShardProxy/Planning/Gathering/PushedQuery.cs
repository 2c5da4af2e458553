using System.Collections.Immutable;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// A subquery that each shard answers for its own rows, such that the answers put together are the subquery's: they are read in the place
/// of its tables, and are fewer. To conditions and keys from outside it is a table with the columns that it shows.
/// </summary>
/// <param name="Sql">As written.</param>
/// <param name="Columns">Their names, no two alike.</param>
/// <param name="Shown">Those that are columns of the subquery's first table under their own names.</param>
public sealed record PushedQuery(string Sql, ImmutableArray<string> Columns, ImmutableArray<string> Shown);
