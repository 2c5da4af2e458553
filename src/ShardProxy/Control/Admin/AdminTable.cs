using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>One thing that SHOW shows.</summary>
internal abstract class AdminTable
{
    /// <summary>In upper case, as SHOW is given it.</summary>
    public abstract string Name { get; }

    public abstract IReadOnlyList<AdminColumn> Columns { get; }

    /// <summary>Values in the order and of the types of <see cref="Columns"/>.</summary>
    public abstract ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view);

    protected static AdminColumn Text(string name) => new(name, AdminType.Text);

    protected static AdminColumn Integer(string name) => new(name, AdminType.Integer);

    protected static AdminColumn Boolean(string name) => new(name, AdminType.Boolean);

    protected static AdminColumn Timestamp(string name) => new(name, AdminType.Timestamp);
}
