namespace ShardProxy.Configuration;

/// <summary>One thing wrong with the configuration file. Never carries a password, nor the text that one may stand in.</summary>
/// <param name="Line">From 1; 0 when the error is of the file as a whole.</param>
/// <param name="Column">From 1.</param>
public sealed record ConfigurationError(string File, long Line, long Column, string Message)
{
    /// <summary>The form that editors jump from.</summary>
    public override string ToString() => Line == 0 ? $"{File}: {Message}" : $"{File}:{Line}:{Column}: {Message}";
}
