namespace ShardProxy.Planning;

public enum CopyFormat
{
    Text,
    Csv,
    Binary,
}

public enum CopyHeader
{
    None,
    Present,
    Match,
}

/// <summary>COPY's options as far as finding the key in a row needs them; single-byte characters as PostgreSQL demands.</summary>
/// <param name="Encoding">The ENCODING option; null is the client's encoding.</param>
public sealed record CopyOptions(
    CopyFormat Format,
    byte Delimiter,
    string NullText,
    CopyHeader Header,
    byte Quote,
    byte Escape,
    bool ForceNullOnKey,
    bool ForceNotNullOnKey,
    string? DefaultText,
    string? Encoding)
{
    /// <summary>As <see cref="ForceNullOnKey"/>, of the column that says a row's zone.</summary>
    public bool ForceNullOnZone { get; init; }

    public bool ForceNotNullOnZone { get; init; }
}
