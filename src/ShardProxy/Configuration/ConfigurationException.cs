namespace ShardProxy.Configuration;

/// <summary>The configuration cannot be used; carries every error found, in the order of the file.</summary>
public sealed class ConfigurationException(IReadOnlyList<ConfigurationError> errors)
    : Exception(string.Join(Environment.NewLine, errors))
{
    public IReadOnlyList<ConfigurationError> Errors { get; } = errors;
}
