namespace ShardProxy.Planning.Confinement;

/// <summary>Gathers what holds in a scope: its own facts, its parents', imported ones, and those of nullable sides that turn out not to be NULL.</summary>
internal sealed class FactCollection
{
    private readonly HashSet<FactScope> _seen = [];
    private readonly List<NullableSide> _nullable = [];

    public List<Fact> Facts { get; } = [];

    public void Add(FactScope scope)
    {
        for (var next = scope; next is not null && _seen.Add(next); next = next.Parent)
        {
            _nullable.AddRange(next.NullableSides);
            foreach (var fact in next.Facts)
            {
                if (fact is Imported imported)
                    Add(imported.Scope);
                else
                    Facts.Add(fact);
            }
        }
    }

    /// <summary>A fact is never true on NULL, so a fact about a column of a nullable side says that its join found a partner, and then its ON held.</summary>
    public void Close()
    {
        for (var index = 0; index < _nullable.Count; index++)
        {
            var side = _nullable[index];
            if (_seen.Contains(side.Scope) || !IsNotNull(side))
                continue;
            Add(side.Scope);
            // New facts may open sides that were passed over.
            index = -1;
        }
    }

    private bool IsNotNull(NullableSide side)
    {
        foreach (var fact in Facts)
        {
            var found = fact switch
            {
                SameValue { NotNull: true } same => side.Columns.Contains(same.Left) || side.Columns.Contains(same.Right),
                OneOf one => side.Columns.Contains(one.Column),
                Compared compared => side.Columns.Contains(compared.Column),
                _ => false,
            };
            if (found)
                return true;
        }
        return false;
    }
}
