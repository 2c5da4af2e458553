using System.Text;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>
/// The name and value pairs of a start-up packet, each NUL-terminated; enumerate them with <c>foreach</c>. The bytes
/// were checked when the packet was read.
/// </summary>
public readonly ref struct StartupParameters
{
    private readonly ReadOnlySpan<byte> _pairs;

    private StartupParameters(ReadOnlySpan<byte> pairs) => _pairs = pairs;

    public Enumerator GetEnumerator() => new(_pairs);

    /// <summary>Copies them out as UTF-8, in order; a repeated name is kept, since the last one wins at PostgreSQL.</summary>
    public List<KeyValuePair<string, string>> ToList()
    {
        var list = new List<KeyValuePair<string, string>>();
        foreach (var pair in this)
            list.Add(new(Encoding.UTF8.GetString(pair.Name), Encoding.UTF8.GetString(pair.Value)));
        return list;
    }

    /// <summary>Pairs up to a lone NUL that must be the last byte.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> data, out StartupParameters parameters)
    {
        parameters = new StartupParameters(data);
        var reader = new WireReader(data);
        while (reader.TryReadString(out var name))
        {
            if (name.IsEmpty)
                return reader.AtEnd;
            if (!reader.TryReadString(out _))
                return false;
        }
        return false;
    }

    public readonly ref struct Pair(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        public ReadOnlySpan<byte> Name { get; } = name;

        public ReadOnlySpan<byte> Value { get; } = value;
    }

    public ref struct Enumerator
    {
        private WireReader _reader;

        internal Enumerator(ReadOnlySpan<byte> pairs) => _reader = new WireReader(pairs);

        public Pair Current { get; private set; }

        public bool MoveNext()
        {
            if (!_reader.TryReadString(out var name) || name.IsEmpty || !_reader.TryReadString(out var value))
                return false;
            Current = new Pair(name, value);
            return true;
        }
    }
}
