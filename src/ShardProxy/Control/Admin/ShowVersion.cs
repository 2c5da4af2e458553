using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

internal sealed class ShowVersion : AdminTable
{
    public override string Name => "VERSION";

    public override IReadOnlyList<AdminColumn> Columns { get; } = [Text("version")];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view) => new([[$"ShardProxy {view.Version}"]]);
}
