namespace ShardProxy.Directory;

/// <summary>The directory cannot be opened, contradicts the configuration, or does not take a change. The message is for the operator.</summary>
public class DirectoryException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The store does not answer. It is safe to go on with the snapshot; changes have to wait.</summary>
public sealed class DirectoryUnavailableException(string message, Exception? inner = null) : DirectoryException(message, inner);

/// <summary>Somebody else changed the directory first: load it again and decide again.</summary>
public sealed class DirectoryConflictException(string database, long expected, long actual)
    : DirectoryException($"database \"{database}\": the directory is at version {actual}, not {expected}")
{
    public long Expected { get; } = expected;

    public long Actual { get; } = actual;
}
