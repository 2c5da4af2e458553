using FsCheck;
using FsCheck.Fluent;
using ShardProxy.Catalog;
using ShardProxy.Control.Loading;
using ShardProxy.Directory;

namespace ShardProxy.Tests.Control;

public sealed class ObjectIdMapsTests
{
    [Fact]
    public void A_type_wins_over_a_relation_of_the_same_id()
    {
        var home = Objects(types: [("mood", 20_000)], relations: [("t", 30_000)]);
        var shard = Objects(types: [("mood", 20_000)], relations: [("t", 20_000)]);

        var map = ObjectIdMaps.Build(home, shard);

        map.ToHome(20_000).ShouldBe(20_000u);
        map.FromHome(20_000).ShouldBe(20_000u);
    }

    [Fact]
    public void What_one_side_lacks_is_left_alone()
    {
        var map = ObjectIdMaps.Build(Objects([("a", 1_000_000)], []), Objects([("b", 2_000_000)], []));

        map.IsIdentity.ShouldBeTrue();
    }

    [Fact]
    public void Every_shared_type_is_mapped_there_and_back() => Check.QuickThrowOnFailure(Prop.ForAll(
        Gen.Shuffle(Enumerable.Range(0, 12).Select(static index => (uint)(16_384 + index)).ToArray()).ToArbitrary(),
        static ids =>
        {
            (string, uint)[] Types(Func<int, uint> id) => [.. Enumerable.Range(0, 12).Select(index => ($"t{index}", id(index)))];
            var map = ObjectIdMaps.Build(Objects(Types(static index => (uint)(16_384 + index)), []), Objects(Types(index => ids[index]), []));
            for (var index = 0; index < 12; index++)
            {
                map.ToHome(ids[index]).ShouldBe((uint)(16_384 + index));
                map.FromHome((uint)(16_384 + index)).ShouldBe(ids[index]);
            }
        }));

    private static ShardObjects Objects((string Name, uint Oid)[] types, (string Name, uint Oid)[] relations) => new(
        types.ToDictionary(static type => Name(type.Name), static type => new TypeIds(type.Oid, 0, 0, 0)),
        relations.ToDictionary(static relation => Name(relation.Name), static relation => relation.Oid),
        new Dictionary<QualifiedName, string>(),
        null,
        new ShardNature(150000, "UTF8", "libc C", true, new Dictionary<string, string>()),
        "");

    private static QualifiedName Name(string name) => new("public", name);
}
