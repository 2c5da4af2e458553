using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ShardProxy.Control.Loading;

/// <summary>
/// A digest of what a load has read, so that a load that found nothing new costs the data path nothing: same digest,
/// same snapshot, same version. SHA-256 because a collision would leave an old catalog in use.
/// </summary>
internal sealed class Fingerprint : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public string? Add(string? text)
    {
        // The length goes in front, so that neighbours cannot trade characters.
        Add(text is null ? -1L : text.Length);
        if (text is not null)
            _hash.AppendData(MemoryMarshal.AsBytes(text.AsSpan()));
        return text;
    }

    public void Add(long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        _hash.AppendData(bytes);
    }

    public string Finish() => Convert.ToHexString(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();
}
