using FsCheck;

namespace ShardProxy.Protocol.Tests;

/// <summary>Property tests that try the same cases in every run.</summary>
internal static class Seeded
{
    private const ulong Seed = 20261121;

    // SplitMix64 wants an odd gamma.
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    public static void Check(Property property, int cases = 200) =>
        FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(cases).WithReplay(Seed, Gamma), property);
}
