using ShardProxy.Catalog;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>A table in one place of a statement, or of a view that stands in it.</summary>
/// <param name="Relation">It has a catalog entry.</param>
internal sealed record TableUse(FromTable Item, ResolvedRelation Relation)
{
    /// <summary>The name by which columns are qualified.</summary>
    public string Name => Item.Alias ?? Item.Name.Name;

    /// <summary>A star, NATURAL, a list of column aliases: every column in its place.</summary>
    public bool NeedsAllColumns { get; set; }

    /// <summary>Its rows are brought together; false of a table that stays where it is and may say which rows of others matter.</summary>
    public bool IsRead { get; init; } = true;

    /// <summary>It stands inside of WITH, so that several places can read its rows.</summary>
    public bool IsShared { get; init; }

    /// <summary>How its rows are locked, in SQL; null when they are not.</summary>
    public string? Lock { get; set; }

    /// <summary>Only whether there is a row like it matters (EXISTS, IN), and not how many.</summary>
    public bool IgnoresCopies { get; set; }

    /// <summary>What every row must meet to matter.</summary>
    public List<ReadCondition> Conditions { get; } = [];

    /// <summary>The conditions in words that tell them apart from another use's.</summary>
    public string ConditionText => string.Join(" AND ", Conditions.Select(static condition => condition.Text));

    /// <summary>The subquery that is read in its place, of which it is the first table; null for a table that is read itself.</summary>
    public PushedQuery? Pushed { get; init; }

    /// <summary>A column that conditions from outside can be about.</summary>
    public Column? Find(string name) => Pushed?.Shown.Contains(name) == false ? null : Relation.Relation!.FindColumn(name);
}
