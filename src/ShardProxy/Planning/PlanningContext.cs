using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Directory;

namespace ShardProxy.Planning;

/// <summary>All that a plan depends on besides the text: two snapshots and the session's names. Immutable.</summary>
/// <param name="SearchPath">Schemas in order as SET has them, "$user" already resolved; pg_catalog and pg_temp stand before them unless named.</param>
/// <param name="User">The current role.</param>
/// <param name="TemporaryRelations">Unqualified names of this session's temporary relations.</param>
public sealed record PlanningContext(
    CatalogSnapshot Catalog,
    DirectorySnapshot Directory,
    ImmutableArray<string> SearchPath,
    string User,
    IReadOnlySet<string> TemporaryRelations)
{
    /// <summary>Conditions on keys do not choose one shard: for a text whose keys turned out to live on several.</summary>
    public bool IsUnconfined { get; init; }

    /// <summary>A value that the text does not show reads the clock (see <see cref="ClockValues"/>): it must be read on one server.</summary>
    public bool HasClockValues { get; init; }

    /// <summary>There is a server beside the shards on which gathered statements may run.</summary>
    public bool GathersBeside { get; init; }

    /// <summary>
    /// Makes a SCRAM-SHA-256 verifier of a clear-text password, as PostgreSQL would store it. Random by nature, so a plan
    /// that used it is not cached.
    /// </summary>
    public Func<string, string>? PasswordVerifier { get; init; }

    /// <summary>A column of a distributed table draws from the sequence, which is then on every shard.</summary>
    /// <param name="sequence">Object id on the home shard.</param>
    public bool DrawsFrom(uint sequence)
    {
        foreach (var table in Directory.Tables.Keys)
        {
            if (Catalog.FindRelation(table) is { } relation && relation.Columns.Any(column => column.Sequence == sequence))
                return true;
        }
        return false;
    }
}
