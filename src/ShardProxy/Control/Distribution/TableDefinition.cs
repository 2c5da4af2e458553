using ShardProxy.Catalog;

namespace ShardProxy.Control.Distribution;

/// <summary>All that makes a table, as one server has it.</summary>
/// <param name="Statements">In the order in which they make it.</param>
/// <param name="Sequences">The sequences that its columns draw from.</param>
internal sealed record TableDefinition(IReadOnlyList<DefinitionStatement> Statements, IReadOnlyList<SequenceState> Sequences)
{
    /// <summary>The first statement in which two servers' tables differ, theirs of <paramref name="other"/> second; null when they are made alike.</summary>
    public (string? Here, string? There)? FirstDifference(TableDefinition other)
    {
        var here = Comparable();
        var there = other.Comparable();
        for (var index = 0; index < Math.Max(here.Length, there.Length); index++)
        {
            var (one, two) = (here.ElementAtOrDefault(index), there.ElementAtOrDefault(index));
            if (one != two)
                return (one, two);
        }
        return null;
    }

    private string[] Comparable() =>
        [.. Statements.Where(static statement => statement.Step != DefinitionQuery.SchemaStep).Select(static statement => statement.Sql)];
}

/// <param name="Step">See <see cref="DefinitionQuery"/>.</param>
internal readonly record struct DefinitionStatement(int Step, string Sql);
