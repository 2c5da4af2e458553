using System.Collections.Immutable;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>Rows that a query has given, as <see cref="MovedRowsRunner"/> has read them.</summary>
/// <param name="names">The columns of the rows' values.</param>
/// <param name="types">Of the values, by the home shard's ids.</param>
internal sealed class ReadProposal(
    ClientRequest request, IReadOnlyList<byte[]?[]> values, IReadOnlyList<string> names, uint[] types, ImmutableArray<(string Column, string Value)> clocks, Func<IReadOnlyList<byte[]?[]>, ShardStatement> insert, IReadOnlyList<int> own)
    : IProposal
{
    public IReadOnlyList<int> Own => own;

    public ShardStatement Insert(IReadOnlyList<int> rows) => insert([.. rows.Select(row => values[row])]);

    public ShardText Text() => new(request, [], 0);

    public void AddValue(ShardText text, int row, ConflictIndex index, int column)
    {
        var (name, otherwise) = (index.Columns[column].Name, index.Columns[column].Default);
        var ordinal = name is null ? -1 : Enumerable.Range(0, names.Count).FirstOrDefault(at => names[at] == name, -1);
        if (ordinal >= 0)
            text.AddValue(values[row][ordinal], types[ordinal]);
        else
            text.Add(clocks.FirstOrDefault(clock => clock.Column == name).Value ?? otherwise);
    }
}
