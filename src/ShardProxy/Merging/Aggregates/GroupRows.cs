using System.Collections.Immutable;
using ShardProxy.Merging.Rows;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Merging.Aggregates;

/// <summary>The aggregates of a GROUP BY by the groups' numbers, and the rows that they become.</summary>
internal sealed class GroupRows
{
    private readonly ImmutableArray<GroupOutput> _outputs;
    private readonly Aggregator[] _aggregators;
    private readonly (int Start, int Count)[] _partials;
    private readonly FieldLocator _partialLocator;
    private readonly Field[] _partialFields;
    private readonly FieldLocator _firstLocator;
    private readonly Field[] _firstFields;
    private readonly MergeBinding _binding;
    private int _reserved;

    public GroupRows(GroupSpec spec, ImmutableArray<RowColumn> columns, MergeBinding binding, MemoryBudget budget)
    {
        _outputs = spec.Outputs;
        _binding = binding;
        _aggregators = new Aggregator[spec.Aggregates.Length];
        _partials = new (int, int)[_aggregators.Length];
        var partials = new List<int>();
        for (var i = 0; i < _aggregators.Length; i++)
        {
            _aggregators[i] = Aggregators.Build(spec.Aggregates[i], columns, binding, budget);
            _partials[i] = (partials.Count, spec.Aggregates[i].Partials.Length);
            partials.AddRange(spec.Aggregates[i].Partials);
            BytesPerGroup += _aggregators[i].BytesPerGroup;
        }
        _partialLocator = new FieldLocator(partials.ToArray());
        _partialFields = new Field[partials.Count];
        var firsts = new List<int>();
        foreach (var output in _outputs)
        {
            if (output is FirstValueOutput first)
                firsts.Add(first.Source);
        }
        _firstLocator = new FieldLocator(firsts.ToArray());
        _firstFields = new Field[firsts.Count];
    }

    public int BytesPerGroup { get; }

    public void Reserve(int count)
    {
        if (count <= _reserved)
            return;
        _reserved = Math.Max(count, _reserved * 2);
        foreach (var aggregator in _aggregators)
            aggregator.Reserve(_reserved);
    }

    public void Clear(int group)
    {
        foreach (var aggregator in _aggregators)
            aggregator.Clear(group);
    }

    public void Add(int group, ReadOnlySpan<byte> frame)
    {
        _partialLocator.Locate(frame, _partialFields);
        for (var i = 0; i < _aggregators.Length; i++)
            _aggregators[i].Add(group, frame, _partialFields.AsSpan(_partials[i].Start, _partials[i].Count));
    }

    /// <summary>What <see cref="Write"/> needs of a group's first row: its values with their lengths, one behind the other.</summary>
    public void WriteFirstValues(ReadOnlySpan<byte> frame, ByteBuffer to)
    {
        _firstLocator.Locate(frame, _firstFields);
        foreach (var field in _firstFields)
            to.Write(frame.Slice(field.Start - sizeof(int), sizeof(int) + Math.Max(0, field.Length)));
    }

    /// <param name="firstValues">From <see cref="WriteFirstValues"/>; empty for a group without rows, whose first values are null.</param>
    public void Write(int group, ReadOnlySpan<byte> firstValues, ByteBuffer to)
    {
        to.Clear();
        var row = DataRowMessage.Begin(to, _outputs.Length);
        foreach (var output in _outputs)
        {
            if (output is AggregateOutput aggregate)
            {
                _aggregators[aggregate.Aggregate].Write(group, row, _binding.IsBinary(output.Column.ResultColumn));
                continue;
            }
            if (firstValues.IsEmpty)
            {
                row.Null();
                continue;
            }
            var length = sizeof(int) + Math.Max(0, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(firstValues));
            row.Bytes(firstValues[..length]);
            firstValues = firstValues[length..];
        }
        row.End();
    }
}
