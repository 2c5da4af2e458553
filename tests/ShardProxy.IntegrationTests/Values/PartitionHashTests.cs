using System.Text;
using ShardProxy.Protocol.Values;

namespace ShardProxy.IntegrationTests.Values;

/// <summary>Our hash of a value against the server's satisfies_hash_partition, from text and from the binary format.</summary>
public sealed class PartitionHashTests(HashServer server) : IClassFixture<HashServer>
{
    private const int RandomCount = 3_000;

    public static TheoryData<string> Types => [.. HashServer.Types.Keys];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Values_have_the_servers_hash(string type)
    {
        var random = new Random(1);
        var tricky = KeyTexts.Tricky(type);
        var texts = tricky.Concat(Enumerable.Range(0, RandomCount).Select(_ => KeyTexts.Random(type, random))).ToList();
        var results = texts.ConvertAll(text => Hash(type, text));
        var answers = await server.HaveHashesAsync(type, texts, results.ConvertAll(static result => result.Hash));
        var wrong = new List<string>();
        for (var i = 0; i < texts.Count; i++)
        {
            var right = results[i].Result switch
            {
                KeyHashResult.Hashed => answers[i] == true,
                KeyHashResult.Invalid => answers[i] is null,
                KeyHashResult.Unknown => i >= tricky.Length,
                _ => false,
            };
            if (!right)
                wrong.Add($"'{texts[i]}': {results[i].Result}, and the server says {answers[i]?.ToString() ?? "error"}");
        }
        wrong.ShouldBeEmpty();
        results.Count(static result => result.Result == KeyHashResult.Hashed).ShouldBeGreaterThan(RandomCount / 2);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task The_binary_format_has_the_hash_of_the_text(string type)
    {
        var random = new Random(2);
        var texts = KeyTexts.Tricky(type).Concat(Enumerable.Range(0, RandomCount).Select(_ => KeyTexts.Random(type, random))).ToList();
        var sent = await server.SendAsync(type, texts);
        var key = new KeyTarget(HashServer.Types[type], -1, KeyUse.Compare);
        var compared = 0;
        for (var i = 0; i < texts.Count; i++)
        {
            var (result, hash) = Hash(type, texts[i]);
            if (sent[i] is not { } binary || result != KeyHashResult.Hashed)
                continue;
            KeyHasher.TryHashParameter(key, key.Type, binary: true, binary, out var binaryHash).ShouldBe(KeyHashResult.Hashed, texts[i]);
            binaryHash.ShouldBe(hash, texts[i]);
            compared++;
        }
        compared.ShouldBeGreaterThan(RandomCount / 2);
    }

    private static (KeyHashResult Result, ulong Hash) Hash(string type, string text)
    {
        var key = new KeyTarget(HashServer.Types[type], -1, KeyUse.Compare);
        return (KeyHasher.TryHashText(key, Encoding.UTF8.GetBytes(text), out var hash), hash);
    }
}
