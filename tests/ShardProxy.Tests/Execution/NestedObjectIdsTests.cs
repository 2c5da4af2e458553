using System.Buffers.Binary;
using ShardProxy.Catalog;
using ShardProxy.Control.Loading;
using ShardProxy.Directory;
using ShardProxy.Execution;

namespace ShardProxy.Tests.Execution;

public sealed class NestedObjectIdsTests
{
    private const uint Shift = 1000;
    private const uint Mood = 20_000;
    private const uint Moods = 20_001;
    private const uint Pair = 20_002;
    private const uint Pairs = 20_003;
    private const uint Spans = 20_004;
    private const uint ManySpans = 20_006;
    private const uint Named = 20_008;
    private const uint NamedTwice = 20_010;
    private const uint Int4 = 23;

    private readonly ObjectIdMap _map = Build();

    [Fact]
    public void An_arrays_element_type() => Check(Moods, Array(Mood, [1, 2], null));

    [Fact]
    public void A_composites_fields_and_what_is_in_them() =>
        Check(Pair, Composite((Int4, [0, 0, 0, 1]), (Moods, Array(Mood, [9])), (Pair, Composite((Mood, null)))));

    [Fact]
    public void Arrays_of_composites_ranges_domains_and_anonymous_records()
    {
        var pair = Composite((Moods, Array(Mood, [9])));
        Check(Pairs, Array(Pair, pair, null, pair));
        Check(Spans, [0x02, .. Sized(pair), .. Sized(pair)]);
        Check(Spans, [0x08, .. Sized(pair)]);
        Check(Spans, [0x01]);
        Check(ManySpans, [.. Int32(2), .. Sized([0x02, .. Sized(pair), .. Sized(pair)]), .. Sized([0x01])]);
        Check(Named, Array(Mood, [1]));
        Check(NamedTwice, Array(Mood, [1]));
        Check(2249, Composite((Mood, [1]), (2249, Composite((Moods, Array(Mood, [1]))))));
    }

    [Fact]
    public void Plain_values_are_left_alone()
    {
        var value = Int32((int)(Mood + Shift));
        NestedObjectIds.ToHome(value, Mood + Shift, _map);
        NestedObjectIds.ToHome(value, Int4, _map);
        value.ShouldBe(Int32((int)(Mood + Shift)));
        _map.HoldsObjectIds(Mood).ShouldBeFalse();
        _map.HoldsObjectIds(Moods).ShouldBeTrue();
    }

    [Fact]
    public void A_row_is_patched_by_its_columns()
    {
        byte[] Row(uint shift) => [0, 3, .. Sized([1, 2]), .. Int32(-1), .. Sized(Shifted(Array(Mood, [7]), shift))];
        var row = Row(Shift);
        NestedObjectIds.RowToHome(row, [0, Moods + Shift, Moods + Shift], _map);
        row.ShouldBe(Row(0));
    }

    [Fact]
    public void Random_and_deeply_nested_bytes_do_no_harm()
    {
        var random = new Random(31);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(80)];
            random.NextBytes(bytes);
            for (var at = 0; at < bytes.Length; at++)
                bytes[at] = random.Next(3) == 0 ? bytes[at] : (byte)0;
            NestedObjectIds.FromHome(bytes, new[] { Moods, Pair, Pairs, Spans, ManySpans }[random.Next(5)] + Shift, _map);
        }
        byte[] deep = [1];
        for (var i = 0; i < 2_000; i++)
            deep = Composite((Pair, deep));
        NestedObjectIds.FromHome(deep, Pair + Shift, _map);
    }

    // Every id of a user's type in the value is the home shard's; a shard's value has the shifted ones.
    private void Check(uint type, byte[] home)
    {
        var local = Shifted(home, Shift);
        var localType = type < 16_384 ? type : type + Shift;
        var value = local.ToArray();
        NestedObjectIds.ToHome(value, localType, _map);
        value.ShouldBe(home);
        NestedObjectIds.FromHome(value, localType, _map);
        value.ShouldBe(local);
    }

    // The ids used here stand nowhere else in the values.
    private static byte[] Shifted(byte[] value, uint shift)
    {
        var copy = value.ToArray();
        for (var i = 0; i + 4 <= copy.Length; i++)
        {
            var number = BinaryPrimitives.ReadUInt32BigEndian(copy.AsSpan(i));
            if (number is >= Mood and <= NamedTwice)
                BinaryPrimitives.WriteUInt32BigEndian(copy.AsSpan(i), number + shift);
        }
        return copy;
    }

    private static byte[] Array(uint element, params byte[]?[] items) =>
        [.. Int32(1), .. Int32(1), .. Int32((int)element), .. Int32(items.Length), .. Int32(1), .. items.SelectMany(Sized)];

    private static byte[] Composite(params (uint Type, byte[]? Value)[] fields) =>
        [.. Int32(fields.Length), .. fields.SelectMany(static field => (byte[])[.. Int32((int)field.Type), .. Sized(field.Value)])];

    private static byte[] Sized(byte[]? value) => value is null ? Int32(-1) : [.. Int32(value.Length), .. value];

    private static byte[] Int32(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static ObjectIdMap Build() => ObjectIdMaps.Build(Objects(0), Objects(Shift));

    private static ShardObjects Objects(uint shift)
    {
        uint Id(uint id) => id == 0 ? 0 : id + shift;
        var types = new Dictionary<QualifiedName, TypeIds>();
        void Add(string name, uint type, uint array, char kind, uint inner = 0, uint multirange = 0) =>
            types.Add(new QualifiedName("public", name), new TypeIds(Id(type), Id(array), Id(multirange), 0, kind, inner < 16_384 ? inner : Id(inner)));
        // The outer domain first, as its base may be known only later.
        Add("named_twice", NamedTwice, NamedTwice + 1, 'd', Named);
        Add("named", Named, Named + 1, 'd', Moods);
        Add("mood", Mood, Moods, 'e');
        Add("pair", Pair, Pairs, 'c');
        Add("spans", Spans, Spans + 1, 'r', Pair, ManySpans);
        return new ShardObjects(types, new Dictionary<QualifiedName, uint>(), new Dictionary<QualifiedName, string>(), null, new ShardNature(150000, "UTF8", "libc C", true, new Dictionary<string, string>()), "");
    }
}
