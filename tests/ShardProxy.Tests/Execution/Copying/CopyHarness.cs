using System.Text;
using ShardProxy.Directory;
using ShardProxy.Execution.Copying;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Tests.Execution.Copying;

/// <summary>A splitter over four shards that hashes a key's bytes in a way of its own, and what it gave to each shard.</summary>
internal sealed class CopyHarness
{
    public const int ShardCount = 4;

    private static readonly TableDistribution Table = new(new QualifiedName("public", "t"), TableKind.Sharded, "k", "public.t");
    private static readonly DirectorySnapshot Directory = new(1, "c", [Table], DirectorySnapshot.SpreadEvenly(64, ShardCount));

    public static readonly CopyOptions TextOptions =
        new(CopyFormat.Text, (byte)'\t', "\\N", CopyHeader.None, 0, 0, ForceNullOnKey: false, ForceNotNullOnKey: false, DefaultText: null, Encoding: null);

    public static readonly CopyOptions CsvOptions = TextOptions with { Format = CopyFormat.Csv, Delimiter = (byte)',', NullText = "", Quote = (byte)'"', Escape = (byte)'"' };

    public static readonly CopySplitterSettings Settings = new("UTF8", "UTF8", 150000, 1 << 20);

    private readonly ByteBuffer[] _outputs;

    private CopyHarness(CopySplitter? splitter, ServerError? refusal, ByteBuffer[] outputs)
    {
        Splitter = splitter!;
        Refusal = refusal;
        _outputs = outputs;
    }

    public CopySplitter Splitter { get; }

    public ServerError? Refusal { get; }

    public IReadOnlyList<ByteBuffer> Outputs => _outputs;

    /// <summary>Keys as text in the order in which they were hashed.</summary>
    public List<string> Keys { get; } = [];

    public static CopyHarness Create(CopyOptions options, int keyOrdinal, int columnCount, CopySplitterSettings? settings = null, uint keyType = 25, bool recordsKeys = true)
    {
        var outputs = Enumerable.Range(0, ShardCount).Select(static _ => new ByteBuffer()).ToArray();
        var plan = new CopyPlan(From: true, Table, keyOrdinal, new KeyType(keyType, -1), columnCount, options);
        CopyHarness? harness = null;
        CopySplitter.TryCreate(plan, Directory, outputs, Hash, settings ?? Settings, out var splitter, out var refusal);
        harness = new CopyHarness(splitter, refusal, outputs);
        return harness;

        KeyHashResult Hash(ReadOnlySpan<byte> key, bool binary, out ulong hash)
        {
            hash = HashOf(key);
            if (recordsKeys)
                harness!.Keys.Add(Encoding.UTF8.GetString(key));
            return key.SequenceEqual("unreadable"u8) ? KeyHashResult.Invalid : key.SequenceEqual("unknown"u8) ? KeyHashResult.Unknown : KeyHashResult.Hashed;
        }
    }

    public static int ShardOf(string key) => Directory.ShardOfBucket(Directory.BucketOf(HashOf(Encoding.UTF8.GetBytes(key))));

    /// <summary>Cuts the data at random places.</summary>
    public void Feed(byte[] data, Random random)
    {
        var position = 0;
        while (position < data.Length)
        {
            var count = Math.Min(data.Length - position, random.Next(random.Next(2) == 0 ? 4 : 300));
            Splitter.Feed(data.AsSpan(position, count));
            position += count;
        }
    }

    /// <summary>The bodies of a shard's CopyData frames, one after the other.</summary>
    public byte[] PayloadOf(int shard)
    {
        var payload = new MemoryStream();
        var rest = _outputs[shard].Unread;
        while (!rest.IsEmpty)
        {
            Frame.TryRead(rest, int.MaxValue, out var type, out var length).ShouldBe(FrameStatus.Complete);
            type.ShouldBe(FrontendMessageType.CopyData);
            payload.Write(rest[Frame.HeaderLength..length]);
            rest = rest[length..];
        }
        return payload.ToArray();
    }

    private static ulong HashOf(ReadOnlySpan<byte> key)
    {
        var hash = 14695981039346656037ul;
        foreach (var value in key)
            hash = (hash ^ value) * 1099511628211ul;
        return hash ^ (hash >> 29);
    }
}
