using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace ShardProxy.Planning.Confinement;

/// <summary>
/// Finds the values to which the facts of a scope confine a column. Why a relation may be cut down to the set found: on
/// every combination of rows that reaches the result all facts are true; a fact about a column is never true on NULL, so
/// a combination that an outer join fills up with NULL in place of a row left out is rejected by the same fact.
/// </summary>
/// <param name="byPart">A statement is looked at that each shard runs for its part: what was written before says nothing of the rows that are needed.</param>
internal sealed class KeySolver(KeyType type, bool stored, bool byPart = false)
{
    private readonly HashSet<DrawSources> _active = [];
    private readonly ValueFamily _family = TypeIds.FamilyOf(type.Oid);

    /// <summary>Null when nothing confines the column.</summary>
    public KeySet? Solve(ColumnVariable column, FactScope scope)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var facts = new FactCollection();
        facts.Add(scope);
        facts.Close();
        return Solve(column, [], facts.Facts);
    }

    /// <summary>The set that a list of values makes; null when a value's type does not fit the key's.</summary>
    public KeySet? SetOf(ImmutableArray<Operand> values)
    {
        var sets = new List<KeySet>();
        foreach (var value in values)
        {
            if (value.Family is { } family && family != _family)
                return null;
            if (stored && !CanBeStored(value))
                return null;
            sets.Add(value.IsArray ? new KeyInArray(type, value.Term) : new KeyEquals(type, value.Term, stored));
        }
        return KeySets.Union(sets);
    }

    /// <summary>Storing converts where comparing does not: a type of its own would be rounded or cut to the column's.</summary>
    private bool CanBeStored(Operand value) =>
        !value.IsArray
        && (value.NaturalType == 0
            || value.NaturalType == type.Oid
            || (TypeIds.IsInteger(value.NaturalType) && _family == ValueFamily.Number)
            || (value.NaturalType == TypeIds.Numeric && value.Term is LiteralTerm { CastTo: 0 })
            || (_family == ValueFamily.Text && type.TypeModifier < 0));

    private KeySet? Solve(ColumnVariable column, List<SameValue> outer, IReadOnlyCollection<Fact> facts)
    {
        var same = new List<SameValue>(outer);
        same.AddRange(facts.OfType<SameValue>());
        var members = ClassOf(column, same);
        var sets = new List<KeySet>();
        if (BoundsOf(members, facts) is { } bounds)
            sets.Add(bounds);
        foreach (var fact in facts)
        {
            var set = fact switch
            {
                NeverTrue => EmptyKeySet.Instance,
                OneOf one when members.Contains(one.Column) => SetOf(one.Values),
                Either either => Solve(column, same, either),
                DrawnFrom drawn when members.Contains(drawn.Column) && !(byPart && drawn.IsWritten) => Solve(drawn.Sources),
                _ => null,
            };
            if (set is not null)
                sets.Add(set);
        }
        return KeySets.Intersection(sets);
    }

    /// <summary>All comparisons as one set: two of them confine more together than each does.</summary>
    private KeyRange? BoundsOf(HashSet<ColumnVariable> members, IReadOnlyCollection<Fact> facts)
    {
        if (!type.IsOrdered || stored)
            return null;
        var bounds = ImmutableArray.CreateBuilder<KeyBound>();
        foreach (var fact in facts)
        {
            if (fact is Compared compared && members.Contains(compared.Column) && (compared.Value.Family is null || compared.Value.Family == _family))
                bounds.Add(new KeyBound(compared.Comparison, compared.Value.Term));
        }
        return bounds.Count == 0 ? null : new KeyRange(type, bounds.ToImmutable());
    }

    private KeySet? Solve(ColumnVariable column, List<SameValue> same, Either either)
    {
        var sets = new List<KeySet>(either.Branches.Length);
        foreach (var branch in either.Branches)
        {
            var set = Solve(column, same, branch);
            if (set is null)
                return null;
            sets.Add(set);
        }
        return KeySets.Union(sets);
    }

    /// <summary>
    /// Coming back to sources at work: for a recursive query that is the induction step (rows that earlier rounds gave are
    /// in the set already, so they add nothing to it); otherwise nothing is known.
    /// </summary>
    private KeySet? Solve(DrawSources drawn)
    {
        if (!_active.Add(drawn))
            return drawn.Recursive ? EmptyKeySet.Instance : null;
        try
        {
            var sets = new List<KeySet>(drawn.Sources.Count);
            foreach (var source in drawn.Sources)
            {
                var set = source.Column is null ? SetOf(source.Values) : Solve(source.Column, source.Scope!);
                if (set is null)
                    return null;
                sets.Add(set);
            }
            return sets.Count == 0 ? null : KeySets.Union(sets);
        }
        finally
        {
            _active.Remove(drawn);
        }
    }

    /// <summary>
    /// Columns of the same value. What is known of an untyped column holds for those it equals, but it does not link them:
    /// as a float8 it would equal two numbers that differ.
    /// </summary>
    private static HashSet<ColumnVariable> ClassOf(ColumnVariable column, List<SameValue> same)
    {
        var members = new HashSet<ColumnVariable> { column };
        bool grown;
        do
        {
            grown = false;
            foreach (var pair in same)
            {
                if (pair.Left.Family != ValueFamily.Any && members.Contains(pair.Left))
                    grown |= members.Add(pair.Right);
                if (pair.Right.Family != ValueFamily.Any && members.Contains(pair.Right))
                    grown |= members.Add(pair.Left);
            }
        }
        while (grown);
        return members;
    }
}
