using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Execution.Copying;

/// <summary>Rows of a COPY whose keys are placed by look-up and not known here. Rows of one key stay in order.</summary>
internal sealed class CopyHeldRows
{
    private const int MaxBytes = 1024 * 1024;

    private readonly ByteBuffer _bytes = new();
    private readonly List<(int Start, int Length, WantedKey Key, int Zone, long Line)> _rows = [];

    public KeyPlaces Wanted { get; } = new();

    public bool IsEmpty => _rows.Count == 0;

    public bool IsFull => Wanted.Wanted.Count >= IKeyStore.LargestBatch || _bytes.Count >= MaxBytes;

    /// <summary>What follows the last row, when rows before it are held.</summary>
    public byte[] Trailer { get; set; } = [];

    /// <summary>In the order in which they came, each with the bucket that was told for it, the number of its zone and its line.</summary>
    public IEnumerable<(ReadOnlyMemory<byte> Row, int Bucket, int Zone, long Line)> Rows
    {
        get
        {
            var bytes = _bytes.Unread.ToArray();
            return _rows.Select(row => ((ReadOnlyMemory<byte>)bytes.AsMemory(row.Start, row.Length), row.Key.Bucket, row.Zone, row.Line));
        }
    }

    /// <summary>Another row of the key is held, which must go first.</summary>
    public bool Wants(LookupPlacement placement, ReadOnlySpan<byte> image) => !IsEmpty && Wanted.Has(placement, image);

    /// <param name="zone">The number of the row's zone.</param>
    public void Add(LookupPlacement placement, ReadOnlySpan<byte> image, ReadOnlySpan<byte> row, int zone, long line)
    {
        _rows.Add((_bytes.Count, row.Length, Wanted.Want(placement, image, stored: true, zone), zone, line));
        _bytes.Write(row);
    }

    public void Clear()
    {
        _rows.Clear();
        _bytes.Clear();
        _bytes.Release();
        Wanted.Clear();
        Trailer = [];
    }
}
