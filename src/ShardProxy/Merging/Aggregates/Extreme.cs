using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>
/// min and max: the bytes of the shard's value that wins, as the shard sent them. Of equal values the later one is kept,
/// as the servers' functions do.
/// </summary>
/// <param name="binary">Format of the partial that is compared, the last one; the first is the one that is shown.</param>
internal sealed class Extreme(ValueKind kind, bool binary, bool greatest, MemoryBudget budget) : Aggregator
{
    private Kept[] _kept = [];

    public override int BytesPerGroup => 24;

    public override void Reserve(int count)
    {
        if (count > _kept.Length)
            Array.Resize(ref _kept, Math.Max(count, _kept.Length * 2));
    }

    public override void Clear(int group) => _kept[group].Length = _kept[group].ShownLength = 0;

    public override void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials)
    {
        if (partials[^1].IsNull)
            return;
        ref var kept = ref _kept[group];
        var value = partials[^1].In(frame);
        if (kept.IsSet)
        {
            var order = ValueComparer.Compare(kind, binary, kept.Compared, value);
            if (greatest ? order > 0 : order < 0)
                return;
        }
        var shown = partials.Length > 1 ? partials[0].In(frame) : default;
        var length = shown.Length + value.Length;
        if (kept.Bytes is null || kept.Bytes.Length < length)
        {
            budget.Charge(length - (kept.Bytes?.Length ?? 0));
            kept.Bytes = new byte[length];
        }
        shown.CopyTo(kept.Bytes);
        value.CopyTo(kept.Bytes.AsSpan(shown.Length));
        kept.ShownLength = shown.Length;
        // An empty string is a value too.
        kept.Length = length + 1;
    }

    public override void Write(int group, in FrameWriter row, bool binary)
    {
        ref readonly var kept = ref _kept[group];
        if (kept.IsSet)
            row.Value(kept.ShownLength > 0 ? kept.Bytes.AsSpan(0, kept.ShownLength) : kept.Compared);
        else
            row.Null();
    }

    private struct Kept
    {
        public byte[]? Bytes;
        public int ShownLength;

        /// <summary>Of both, plus one; 0 when there is nothing.</summary>
        public int Length;

        public readonly bool IsSet => Length > 0;

        public readonly ReadOnlySpan<byte> Compared => Bytes.AsSpan(ShownLength, Length - 1 - ShownLength);
    }
}
