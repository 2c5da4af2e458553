using ShardProxy.Protocol.Values;

namespace ShardProxy.Execution.Copying;

/// <summary>Finds a key's row hash; a product uses <see cref="KeyHasher"/>, a test a hash of its own.</summary>
/// <param name="key">The value's text, or its binary form.</param>
internal delegate KeyHashResult CopyKeyHasher(ReadOnlySpan<byte> key, bool binary, out ulong hash);
