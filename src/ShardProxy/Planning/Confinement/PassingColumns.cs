using System.Globalization;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>
/// Which output columns of a SELECT let a condition from outside pass down: rows that differ in such a column never meet
/// in a group, a window or a DISTINCT ON, and no LIMIT counts them together.
/// </summary>
internal sealed class PassingColumns(Select select, Place place)
{
    private readonly bool _blocked = !select.Limits.IsEmpty || select.Locks || select.HasGroupingSets;
    private readonly List<WindowDefinition> _windows = [.. WindowsOf(select)];

    public bool Contains(ColumnVariable variable, int position)
    {
        if (_blocked)
            return false;
        // DISTINCT by itself carries a parse-tree placeholder, no expression.
        return (select.Groups.IsEmpty || Names(select.Groups, variable, position))
            && (select.DistinctOn.IsEmpty || Names(select.DistinctOn, variable, position))
            && _windows.TrueForAll(window => IsPartitioned(window, variable));
    }

    private bool Names(IEnumerable<Expression> expressions, ColumnVariable variable, int position)
    {
        foreach (var expression in expressions)
        {
            if (Shows(expression, variable))
                return true;
            if (expression is Constant { Kind: ConstantKind.Integer } ordinal
                && place.Source.SensitiveText(ordinal) == (position + 1).ToString(CultureInfo.InvariantCulture)
                && IsPlain(position))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Before a star the position in the list is the position in the output.</summary>
    private bool IsPlain(int position) =>
        position < select.Outputs.Length && select.Outputs.Take(position + 1).All(static output => output.Value is not ColumnReference { IsStar: true });

    private bool Shows(Expression expression, ColumnVariable variable) =>
        expression is ColumnReference column && ReferenceEquals(place.Columns.Resolve(column).Variable, variable);

    /// <summary>A window that names another has that one's partition; the other is in the list too.</summary>
    private bool IsPartitioned(WindowDefinition window, ColumnVariable variable) =>
        (window.Partition.IsEmpty && window.BasedOn is not null)
        || window.Partition.Any(expression => Shows(expression, variable));

    private static IEnumerable<WindowDefinition> WindowsOf(Select select)
    {
        foreach (var window in select.Windows)
            yield return window;
        foreach (var expression in select.Outputs.Select(static output => output.Value).Concat(select.Order))
        {
            foreach (var window in WindowsOf(expression))
                yield return window;
        }
    }

    private static IEnumerable<WindowDefinition> WindowsOf(Expression expression)
    {
        // OVER w: the window is in the WINDOW clause.
        if (expression is FunctionCall { Window: { } window } && window.Name is null)
            yield return window;
        foreach (var child in ExpressionChildren.Of(expression))
        {
            foreach (var inner in WindowsOf(child))
                yield return inner;
        }
    }
}
