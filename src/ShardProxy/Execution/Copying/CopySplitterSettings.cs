namespace ShardProxy.Execution.Copying;

/// <summary>Decides a key's row hash, as KeyHasher in ShardProxy.Protocol.Values does for a type.</summary>
/// <param name="key">The value's text, or its binary form.</param>
/// <returns>False when the bytes are no value of the key's type.</returns>
public delegate bool CopyKeyHasher(ReadOnlySpan<byte> key, bool binary, out ulong hash);

/// <summary>What a session knows that decides how a COPY's data reads.</summary>
/// <param name="ServerVersion">server_version_num of the shards, such as 150018.</param>
/// <param name="MaxRowLength">Longest row accepted, in bytes.</param>
public sealed record CopySplitterSettings(string ClientEncoding, string ServerEncoding, int ServerVersion, int MaxRowLength);
