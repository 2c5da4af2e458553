using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// The 64-bit hash of bytes that PostgreSQL builds its hash functions on: Bob Jenkins' lookup3 with a seed mixed in
/// first (hash_bytes_extended of hashfn.c), as it comes out on little-endian machines.
/// </summary>
internal struct BytesHash
{
    private const uint GoldenRatio = 0x9E3779B9;
    private const uint Offset = 3923095;

    private uint _a;
    private uint _b;
    private uint _c;

    private BytesHash(int length, ulong seed)
    {
        _a = _b = _c = GoldenRatio + (uint)length + Offset;
        if (seed == 0)
            return;
        _a += (uint)(seed >> 32);
        _b += (uint)seed;
        Mix();
    }

    private readonly ulong Result => ((ulong)_b << 32) | _c;

    public static ulong Of(ReadOnlySpan<byte> data, ulong seed)
    {
        var state = new BytesHash(data.Length, seed);
        while (data.Length >= 12)
        {
            state._a += BinaryPrimitives.ReadUInt32LittleEndian(data);
            state._b += BinaryPrimitives.ReadUInt32LittleEndian(data[4..]);
            state._c += BinaryPrimitives.ReadUInt32LittleEndian(data[8..]);
            state.Mix();
            data = data[12..];
        }
        // The last 0 to 11 bytes. The lowest byte of c stands for the length, which went in at the start.
        Span<byte> tail = stackalloc byte[12];
        tail.Clear();
        data[..Math.Min(data.Length, 8)].CopyTo(tail);
        if (data.Length > 8)
            data[8..].CopyTo(tail[9..]);
        state._a += BinaryPrimitives.ReadUInt32LittleEndian(tail);
        state._b += BinaryPrimitives.ReadUInt32LittleEndian(tail[4..]);
        state._c += BinaryPrimitives.ReadUInt32LittleEndian(tail[8..]);
        state.Final();
        return state.Result;
    }

    /// <summary>hash_bytes_uint32_extended: the same as hashing the four bytes.</summary>
    public static ulong OfUInt32(uint value, ulong seed)
    {
        var state = new BytesHash(sizeof(uint), seed);
        state._a += value;
        state.Final();
        return state.Result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Mix()
    {
        _a -= _c;
        _a ^= BitOperations.RotateLeft(_c, 4);
        _c += _b;
        _b -= _a;
        _b ^= BitOperations.RotateLeft(_a, 6);
        _a += _c;
        _c -= _b;
        _c ^= BitOperations.RotateLeft(_b, 8);
        _b += _a;
        _a -= _c;
        _a ^= BitOperations.RotateLeft(_c, 16);
        _c += _b;
        _b -= _a;
        _b ^= BitOperations.RotateLeft(_a, 19);
        _a += _c;
        _c -= _b;
        _c ^= BitOperations.RotateLeft(_b, 4);
        _b += _a;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Final()
    {
        _c ^= _b;
        _c -= BitOperations.RotateLeft(_b, 14);
        _a ^= _c;
        _a -= BitOperations.RotateLeft(_c, 11);
        _b ^= _a;
        _b -= BitOperations.RotateLeft(_a, 25);
        _c ^= _b;
        _c -= BitOperations.RotateLeft(_b, 16);
        _a ^= _c;
        _a -= BitOperations.RotateLeft(_c, 4);
        _b ^= _a;
        _b -= BitOperations.RotateLeft(_a, 14);
        _c ^= _b;
        _c -= BitOperations.RotateLeft(_b, 24);
    }
}
