namespace ShardProxy.Configuration;

/// <summary>Reads <c>authentication</c>.</summary>
internal static class AuthenticationSection
{
    public static AuthenticationConfig Read(Section section)
    {
        using var _ = section;
        var passThrough = section.Flag("pass_through", false);
        var query = section.Find("query");
        if (query is { } given && !given.Text.Contains("$1", StringComparison.Ordinal))
            section.Scope.Report(given.At, $"{given.Path} must have $1 where the user's name goes, and give two columns: name and verifier.");
        return new AuthenticationConfig(passThrough, query?.Text ?? AuthenticationConfig.DefaultQuery);
    }
}
