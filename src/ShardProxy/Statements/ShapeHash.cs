using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ShardProxy.Statements;

/// <summary>
/// A 64-bit hash of short byte strings by folded 64×64-bit products. Its seeds are drawn once per process, so that
/// nobody can prepare shapes that collide; a collision costs time, never correctness.
/// </summary>
internal static class ShapeHash
{
    private static readonly ulong[] Seeds = DrawSeeds();

    public static ulong Compute(ReadOnlySpan<byte> bytes)
    {
        var (first, second) = (Seeds[0], Seeds[1]);
        var hash = Seeds[2] ^ (ulong)bytes.Length;
        var rest = bytes;
        while (rest.Length > 16)
        {
            hash = Mix(Read(rest) ^ first, Read(rest[8..]) ^ hash);
            rest = rest[16..];
        }
        ulong low;
        ulong high;
        if (rest.Length >= 8)
        {
            low = Read(rest);
            high = Read(rest[^8..]);
        }
        else if (rest.Length >= 4)
        {
            low = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            high = BinaryPrimitives.ReadUInt32LittleEndian(rest[^4..]);
        }
        else
        {
            low = rest.Length > 0 ? rest[0] | ((ulong)rest[rest.Length / 2] << 8) | ((ulong)rest[^1] << 16) : 0;
            high = 0;
        }
        return Mix(Mix(low ^ first, high ^ hash) ^ second, (ulong)bytes.Length ^ first);
    }

    public static ulong Combine(ulong hash, ulong other) => Mix(hash ^ Seeds[1], other ^ Seeds[2]);

    private static ulong Read(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    private static ulong Mix(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }

    private static ulong[] DrawSeeds()
    {
        var seeds = new ulong[3];
        RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(seeds.AsSpan()));
        // A product of zeros forgets its other factor: odd seeds are never zero.
        for (var index = 0; index < seeds.Length; index++)
            seeds[index] |= 1;
        return seeds;
    }
}
