using YamlDotNet.Core;

namespace ShardProxy.Configuration;

/// <summary>What reading one file needs everywhere: where the file is, the environment, and the errors so far.</summary>
internal sealed class ConfigurationScope(string file, Func<string, string?> environment)
{
    private readonly List<ConfigurationError> _errors = [];
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(file)) ?? "/";

    public Func<string, string?> Environment { get; } = environment;

    public bool HasErrors => _errors.Count > 0;

    public IReadOnlyList<ConfigurationError> Errors =>
        [.. _errors.OrderBy(static error => error.Line).ThenBy(static error => error.Column)];

    public void Report(Mark at, string message) => _errors.Add(new ConfigurationError(file, at.Line, at.Column, message));

    public void Report(string message) => _errors.Add(new ConfigurationError(file, 0, 0, message));

    /// <summary>shardproxy.yaml and ".log" give shardproxy.log in the same folder.</summary>
    public string BesideFile(string extension) => Path.ChangeExtension(Path.GetFullPath(file), extension);

    /// <summary>Paths in the file are relative to the file, so that it means the same from every working directory.</summary>
    public string ResolvePath(string path) => Path.GetFullPath(path, _folder);
}
