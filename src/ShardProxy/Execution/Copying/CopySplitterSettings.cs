namespace ShardProxy.Execution.Copying;

/// <summary>What a session knows that decides how a COPY's data reads.</summary>
/// <param name="ServerVersion">server_version_num of the shards, such as 150018.</param>
/// <param name="MaxRowLength">Longest row accepted, in bytes.</param>
public sealed record CopySplitterSettings(string ClientEncoding, string ServerEncoding, int ServerVersion, int MaxRowLength)
{
    /// <summary>Fields that every row gets behind its own and the drawn ones, in the COPY's format; empty for none.</summary>
    public byte[] Constants { get; init; } = [];
}
