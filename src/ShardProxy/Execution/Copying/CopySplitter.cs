using System.Diagnostics.CodeAnalysis;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Execution.Copying;

/// <summary>
/// Splits the data of a client's COPY FROM over the shards, row by row by the key. It is a pump without I/O: the session
/// feeds what the client sent, calls <see cref="Flush"/>, sends the shards' outputs, and stops reading from the client
/// while one of them is long. It allocates nothing per row.
/// </summary>
public sealed class CopySplitter
{
    private readonly CopyRowScanner _scanner;
    private readonly CopyErrors _errors;
    private readonly CopyZones? _zones;
    private readonly DirectorySnapshot _directory;
    private readonly CopyKeyHasher _hasher;
    private readonly KeyType _keyType;
    private readonly CopyHeldRows _held = new();
    private readonly ByteBuffer _image = new();
    private readonly CopyFrames[] _shards;
    private readonly ByteBuffer _incomplete = new();
    private readonly ByteBuffer _scratch = new();
    private readonly bool _binary;
    private readonly bool _asciiKeysOnly;
    private readonly int _maxRowLength;
    private readonly int _drawnKey = -1;
    private readonly byte[] _constants;
    private readonly int _addedCount;
    private int _zone = KeyPlaces.NoZone;
    private readonly ShardLines[] _lines;
    private long _taken;

    private CopySplitter(
        CopyPlan plan, KeyType keyType, DirectorySnapshot directory, IEnumerable<ByteBuffer> outputs, CopyKeyHasher hasher, CopySplitterSettings settings, bool asciiKeysOnly, bool asciiZonesOnly)
    {
        var options = plan.Options;
        _scanner = options.Format switch
        {
            CopyFormat.Text => new TextRowScanner(options, OwnKey(plan), plan.ZoneOrdinal),
            CopyFormat.Csv => new CsvRowScanner(options, OwnKey(plan), hasEndMarker: settings.ServerVersion < 180000, plan.ZoneOrdinal),
            _ => new BinaryRowScanner(OwnKey(plan), plan.ColumnCount, plan.ZoneOrdinal),
        };
        _errors = new CopyErrors(plan.Table, keyType, plan.Table.KeyColumn ?? "");
        if (keyType.Zones is not null && plan.ZoneType is { } zoneType)
            _zones = new CopyZones(plan, zoneType, asciiZonesOnly);
        _directory = directory;
        _hasher = hasher;
        _keyType = keyType;
        _shards = [.. outputs.Select(static output => new CopyFrames(output))];
        _lines = [.. _shards.Select(_ => new ShardLines(isOrdered: keyType.Placement is not LookupPlacement))];
        _binary = options.Format == CopyFormat.Binary;
        if (!plan.Drawn.IsEmpty)
        {
            Drawn = new DrawnFields([.. plan.Drawn.Select(static column => column.Type)], options);
            _drawnKey = plan.KeyOrdinal - plan.ColumnCount;
        }
        _constants = settings.Constants;
        _addedCount = plan.Drawn.Length + plan.Clocked.Length;
        _asciiKeysOnly = asciiKeysOnly;
        _maxRowLength = settings.MaxRowLength;
    }

    /// <summary>What is drawn for each row; null when nothing is. There must be enough before data are fed.</summary>
    internal DrawnFields? Drawn { get; }

    /// <summary>By shard: which lines of the client's it has had.</summary>
    internal ShardLines Lines(int shard) => _lines[shard];

    public CopySplitStatus Status { get; private set; }

    /// <summary>Set when <see cref="Status"/> is <see cref="CopySplitStatus.Failed"/>.</summary>
    public ServerError? Error { get; private set; }

    /// <summary>Rows handed to shards.</summary>
    public long Rows { get; private set; }

    /// <summary>Rows whose keys' places have to be asked (see <see cref="Wanted"/>) before they can go on; nothing else waits for them.</summary>
    public bool IsHolding => !_held.IsEmpty;

    /// <summary>Enough are held: they are to be asked for before more is fed.</summary>
    public bool IsFull => _held.IsFull;

    /// <summary>The keys of the rows held.</summary>
    public KeyPlaces Wanted => _held.Wanted;

    /// <summary>The places of <see cref="Wanted"/> were told: sends the rows held on their way, or fails when one is on a shard that came after the COPY began, or outside of its row's zone.</summary>
    public void Release()
    {
        foreach (var (row, bucket, zone, line) in _held.Rows)
        {
            if (bucket >= _directory.BucketCount)
            {
                Fail(CopyErrors.NewShard());
                return;
            }
            if (!IsInZone(zone, bucket))
            {
                Fail(_errors.OtherZone(line));
                return;
            }
            Append(_shards[_directory.ShardOfBucket(bucket)], row.Span, default);
            Rows++;
        }
        foreach (var shard in _shards)
            shard.Append(_held.Trailer);
        _held.Clear();
    }

    /// <param name="plan">COPY … FROM STDIN of a sharded table.</param>
    /// <param name="outputs">By shard index: where its frames go. Every shard is in copy mode for this statement.</param>
    /// <param name="refusal">Why this COPY cannot be split.</param>
    public static bool TryCreate(
        CopyPlan plan,
        DirectorySnapshot directory,
        IReadOnlyList<ByteBuffer> outputs,
        CopySplitterSettings settings,
        [NotNullWhen(true)] out CopySplitter? splitter,
        [NotNullWhen(false)] out ServerError? refusal) =>
        TryCreate(plan, directory, outputs, HasherFor(plan.KeyType), settings, out splitter, out refusal);

    internal static bool TryCreate(
        CopyPlan plan,
        DirectorySnapshot directory,
        IReadOnlyList<ByteBuffer> outputs,
        CopyKeyHasher hasher,
        CopySplitterSettings settings,
        [NotNullWhen(true)] out CopySplitter? splitter,
        [NotNullWhen(false)] out ServerError? refusal)
    {
        splitter = null;
        if (plan.KeyType is not { } keyType || plan.KeyOrdinal < 0)
            throw new ArgumentException("Only a COPY that has a key column can be split.", nameof(plan));
        var options = plan.Options;
        var encoding = options.Encoding ?? settings.ClientEncoding;
        var rule = CopyEncoding.Judge(encoding, settings.ServerEncoding);
        refusal = CopyErrors.Refuse(options, encoding, rule);
        if (refusal is not null)
            return false;
        var asciiKeysOnly = rule == CopyEncodingRule.AsciiKeysOnly && (options.Format != CopyFormat.Binary || IsText(keyType));
        var asciiZonesOnly = rule == CopyEncodingRule.AsciiKeysOnly && plan.ZoneType is { } zoneType && (options.Format != CopyFormat.Binary || IsText(zoneType));
        splitter = new CopySplitter(plan, keyType, directory, outputs, hasher, settings, asciiKeysOnly, asciiZonesOnly);
        return true;
    }

    /// <summary>Takes the body of a CopyData message.</summary>
    public CopySplitStatus Feed(ReadOnlySpan<byte> payload)
    {
        if (Status != CopySplitStatus.Continue)
            return Status;
        if (_incomplete.IsEmpty)
        {
            var taken = Split(payload, isLast: false);
            if (Status == CopySplitStatus.Continue)
                _incomplete.Write(payload[taken..]);
        }
        else
        {
            _incomplete.Write(payload);
            _incomplete.Consume(Split(_incomplete.Unread, isLast: false));
        }
        return Status;
    }

    /// <summary>The client sent CopyDone: takes what is left as the last row. Rows may be held afterwards.</summary>
    public CopySplitStatus End()
    {
        if (Status == CopySplitStatus.Continue)
            _incomplete.Consume(Split(_incomplete.Unread, isLast: true));
        return Status;
    }

    /// <summary>After <see cref="End"/>, when no rows are held any more: closes the frames.</summary>
    public CopySplitStatus Complete()
    {
        End();
        Flush();
        _incomplete.Clear();
        _incomplete.Release();
        _scratch.Clear();
        _scratch.Release();
        _zones?.Release();
        _image.Clear();
        _image.Release();
        return Status;
    }

    /// <summary>Closes the frames that are open. Call it before the outputs are sent.</summary>
    public void Flush()
    {
        foreach (var shard in _shards)
            shard.Close();
    }

    /// <summary>Bytes of <paramref name="data"/> that are done with.</summary>
    private int Split(ReadOnlySpan<byte> data, bool isLast)
    {
        var taken = 0;
        while (taken < data.Length && Status == CopySplitStatus.Continue)
        {
            var rest = data[taken..];
            var cut = _scanner.TryCut(rest, isLast, out var length);
            if (cut == CopyCut.Incomplete)
            {
                if (rest.Length > _maxRowLength)
                    Fail(_errors.RowTooLong(_scanner.Line + 1, _maxRowLength));
                break;
            }
            if (cut == CopyCut.Row && length > _maxRowLength)
            {
                Fail(_errors.RowTooLong(_scanner.Line, _maxRowLength));
                break;
            }
            Take(cut, rest[..length]);
            taken += length;
        }
        return taken;
    }

    private void Take(CopyCut cut, ReadOnlySpan<byte> bytes)
    {
        Sort(cut, bytes);
        _taken = _scanner.Line;
    }

    private void Sort(CopyCut cut, ReadOnlySpan<byte> bytes)
    {
        switch (cut)
        {
            case CopyCut.Row:
                Route(bytes);
                break;
            case CopyCut.Preamble:
            case CopyCut.Trailer:
                if (IsHolding)
                {
                    _held.Trailer = bytes.ToArray();
                    break;
                }
                foreach (var shard in _shards)
                    shard.Append(bytes);
                foreach (var lines in _lines)
                    lines.Add(_taken, _scanner.Line);
                break;
            case CopyCut.EndMarker:
                Status = CopySplitStatus.Ended;
                break;
            default:
                Fail(_errors.Malformed(_scanner.Line, _scanner.Problem));
                break;
        }
    }

    /// <summary>The scanner looks for the key among the client's columns only.</summary>
    private static int OwnKey(CopyPlan plan) => plan.KeyOrdinal < plan.ColumnCount ? plan.KeyOrdinal : -1;

    private void Route(ReadOnlySpan<byte> row)
    {
        if (_zones?.Find(_scanner, row, out _zone) is { } unzoned)
        {
            Fail(unzoned);
            return;
        }
        if (Drawn is not null && _drawnKey >= 0)
        {
            var fields = Drawn.Take(_drawnKey, out var drawn);
            // A number that was drawn is a key like any other, except that it cannot be wrong.
            if (FindBucket(drawn, out var owner) == KeyHashResult.Hashed && owner >= 0)
                Store(row, fields, owner);
            else
                Fail(_errors.NoBucket(_scanner.Line, _keyType.Placement!, _image.Unread, drawn, _binary));
            return;
        }
        switch (_scanner.ReadKey(row, _scratch, out var key))
        {
            case CopyKeyState.Null:
                Fail(_errors.NullKey(_scanner.Line));
                return;
            case CopyKeyState.Missing:
                Fail(_errors.MissingKey(_scanner.Line));
                return;
            case CopyKeyState.Default:
                Fail(_errors.DefaultKey(_scanner.Line));
                return;
        }
        if (_asciiKeysOnly && !System.Text.Ascii.IsValid(key))
        {
            Fail(_errors.ConvertedKey(_scanner.Line));
            return;
        }
        switch (FindBucket(key, out var bucket))
        {
            case KeyHashResult.Hashed when _keyType.Placement is LookupPlacement lookup && (bucket < 0 || _held.Wants(lookup, _image.Unread)):
                _held.Add(lookup, _image.Unread, row, _zone, _scanner.Line);
                break;
            case KeyHashResult.Hashed when bucket < 0:
                Fail(_errors.NoBucket(_scanner.Line, _keyType.Placement!, _image.Unread, key, _binary));
                break;
            case KeyHashResult.Hashed when !IsInZone(_zone, bucket):
                Fail(_errors.OtherZone(_scanner.Line));
                break;
            case KeyHashResult.Hashed:
                Store(row, Drawn is null ? default : Drawn.Take(-1, out _), bucket);
                break;
            case KeyHashResult.Unknown:
                Fail(_errors.UnknownKey(_scanner.Line, key, _binary));
                break;
            default:
                Fail(_errors.InvalidKey(_scanner.Line, key, _binary));
                break;
        }
    }

    /// <summary>Buckets of other strategies are found within their row's zone.</summary>
    private bool IsInZone(int zone, int bucket) => _keyType.Zones is not LookupRule rule || rule.IsInZone(zone, bucket);

    private void Store(ReadOnlySpan<byte> row, ReadOnlySpan<byte> drawn, int bucket)
    {
        var owner = _directory.ShardOfBucket(bucket);
        var shard = _shards[owner];
        _lines[owner].Add(_taken, _scanner.Line);
        Rows++;
        Append(shard, row, drawn);
    }

    /// <summary>The row with what stands behind its own fields.</summary>
    private void Append(CopyFrames shard, ReadOnlySpan<byte> row, ReadOnlySpan<byte> drawn)
    {
        if (_addedCount == 0)
        {
            shard.Append(row);
        }
        else if (_binary)
        {
            Span<byte> count = stackalloc byte[sizeof(short)];
            System.Buffers.Binary.BinaryPrimitives.WriteInt16BigEndian(count, (short)(System.Buffers.Binary.BinaryPrimitives.ReadInt16BigEndian(row) + _addedCount));
            shard.Append(count);
            shard.Append(row[sizeof(short)..]);
            shard.Append(drawn);
            shard.Append(_constants);
        }
        else
        {
            var end = row.Length;
            while (end > 0 && row[end - 1] is (byte)'\n' or (byte)'\r')
                end--;
            shard.Append(row[..end]);
            shard.Append(drawn);
            shard.Append(_constants);
            shard.Append(row[end..]);
        }
    }

    /// <param name="bucket">Negative when no range or list holds the key.</param>
    private KeyHashResult FindBucket(ReadOnlySpan<byte> key, out int bucket)
    {
        if (_keyType.Placement is not { } placement)
        {
            var hashed = _hasher(key, _binary, out var hash);
            bucket = _keyType.Zones is ZoneRule rule ? rule.Zones[_zone].FirstBucket + rule.PositionOf(hash) : _directory.BucketOf(hash);
            return hashed;
        }
        placement.Begin(_image);
        var target = new KeyTarget(_keyType.Oid, _keyType.TypeModifier, KeyUse.Store);
        var read = KeyImage.TryReadParameter(target, 0, _binary, key, _image);
        bucket = placement.Find(_image.Unread);
        if (bucket >= 0 && _keyType.Zones is ZoneRule zones)
            bucket += zones.Zones[_zone].FirstBucket;
        return read;
    }

    private void Fail(ServerError error)
    {
        Status = CopySplitStatus.Failed;
        Error = error;
    }

    private static CopyKeyHasher HasherFor(KeyType? type)
    {
        var target = new KeyTarget(type?.Oid ?? 0, type?.TypeModifier ?? -1, KeyUse.Store);
        return (ReadOnlySpan<byte> key, bool binary, out ulong hash) =>
            binary ? KeyHasher.TryHashParameter(target, 0, binary: true, key, out hash) : KeyHasher.TryHashText(target, key, out hash);
    }

    /// <summary>What the server converts in the binary format too.</summary>
    private static bool IsText(KeyType type) => type.Oid is TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar;
}
