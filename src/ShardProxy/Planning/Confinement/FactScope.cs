namespace ShardProxy.Planning.Confinement;

/// <summary>
/// Facts that hold together in one part of a statement; what holds in the parent holds here. A query has one, and so has
/// the nullable side of each outer join: what its ON says holds there only, because rows of the other side pass without.
/// </summary>
internal sealed class FactScope(FactScope? parent)
{
    public FactScope? Parent { get; } = parent;

    public List<Fact> Facts { get; } = [];

    /// <summary>Nullable sides of outer joins directly in this scope. Their facts hold here too once one of their columns is known not to be NULL.</summary>
    public List<NullableSide> NullableSides { get; } = [];
}

/// <param name="Columns">Columns that are NULL in every row for which the join found no partner.</param>
internal sealed record NullableSide(FactScope Scope, HashSet<ColumnVariable> Columns);
