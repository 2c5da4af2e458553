using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ShardProxy.Configuration;

/// <summary>Turns shardproxy.yaml into a <see cref="ProxyConfig"/>, or says everything that is wrong with it at once.</summary>
public static class ConfigurationLoader
{
    /// <exception cref="ConfigurationException">The file cannot be read or has errors.</exception>
    public static async Task<ProxyConfig> LoadAsync(string path, CancellationToken cancellationToken)
    {
        string text;
        try
        {
            text = await File.ReadAllTextAsync(path, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([new ConfigurationError(path, 0, 0, FileProblem(exception))]);
        }
        return Parse(text, path, Environment.GetEnvironmentVariable);
    }

    /// <param name="file">For messages, and what relative paths start from.</param>
    /// <exception cref="ConfigurationException">The text has errors.</exception>
    public static ProxyConfig Parse(string text, string file, Func<string, string?> environment)
    {
        var scope = new ConfigurationScope(file, environment);
        var config = ReadRoot(text, scope) is { } root ? ReadFile(new Section(scope, root, "", root.Start)) : null;
        return config is null || scope.HasErrors ? throw new ConfigurationException(scope.Errors) : config;
    }

    private static YamlMappingNode? ReadRoot(string text, ConfigurationScope scope)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException exception)
        {
            // An alias is most likely an unquoted value that starts with *, such as a password: it is not repeated.
            var problem = exception is AnchorNotFoundException ? "an unquoted value starts with *" : exception.Message;
            scope.Report(exception.Start, $"This is not YAML: {problem}");
            return null;
        }
        switch (stream.Documents)
        {
            case []:
                scope.Report("The file is empty.");
                return null;
            case [{ RootNode: YamlMappingNode root }]:
                return root;
            case [{ RootNode: var other }]:
                scope.Report(other.Start, "The file must be a mapping of keys to values.");
                return null;
            default:
                scope.Report(stream.Documents[1].RootNode.Start, "The file must hold one document.");
                return null;
        }
    }

    private static ProxyConfig ReadFile(Section file)
    {
        using var _ = file;
        var authentication = AuthenticationSection.Read(file.Open("authentication"));
        var config = new ProxyConfig(
            ListenSection.Read(file.Open("listen")),
            UsersSection.Read(file.OpenList("users"), authentication.PassThrough),
            [.. file.OpenMap("databases").Select(static entry => DatabaseSection.Read(entry.Name, entry.Value))],
            authentication,
            LimitsSection.Read(file.Open("limits")),
            LogSection.Read(file.Open("log")),
            TransportSection.Read(file.Open("transport")));
        if (config.Databases.Count == 0 && !file.Scope.HasErrors)
            file.Scope.Report(file.At, "databases needs at least one database.");
        if (config.Users.Count == 0 && !config.Authentication.PassThrough)
            file.Scope.Report(file.At, "Nobody could log in: users is empty and authentication.pass_through is off.");
        return config;
    }

    private static string FileProblem(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => "There is no such file.",
        UnauthorizedAccessException => "The file may not be read by this user.",
        _ => exception.Message,
    };
}
