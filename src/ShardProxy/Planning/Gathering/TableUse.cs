using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>A sharded table in one place of a statement, or of a view that stands in it.</summary>
/// <param name="Relation">It has a catalog entry.</param>
internal sealed record TableUse(FromTable Item, ResolvedRelation Relation)
{
    /// <summary>The name by which columns are qualified.</summary>
    public string Name => Item.Alias ?? Item.Name.Name;

    /// <summary>A star, NATURAL, a list of column aliases: every column in its place.</summary>
    public bool NeedsAllColumns { get; set; }

    /// <summary>SQL that every row must meet to matter.</summary>
    public List<string> Conditions { get; } = [];

    public bool HasColumn(string name) => Relation.Relation!.FindColumn(name) is not null;
}
