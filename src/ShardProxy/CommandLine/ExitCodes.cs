namespace ShardProxy.CommandLine;

internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>Whatever was asked for did not work; a sentence on standard error says why.</summary>
    public const int Failure = 1;
}
