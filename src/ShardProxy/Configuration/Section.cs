using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace ShardProxy.Configuration;

/// <summary>
/// One mapping of the file, asked key by key. It reports what is of the wrong form where it stands and goes on with the
/// default, so that one reading finds every error; <see cref="Dispose"/> reports the keys that nobody asked for.
/// </summary>
internal sealed class Section : IDisposable
{
    private readonly YamlMappingNode? _node;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <param name="node">Null for a section that the file leaves out: every question gets its default.</param>
    public Section(ConfigurationScope scope, YamlMappingNode? node, string path, Mark at)
    {
        Scope = scope;
        _node = node;
        Path = path;
        At = at;
    }

    public ConfigurationScope Scope { get; }

    /// <summary>"databases.shop.pool"; empty for the file.</summary>
    public string Path { get; }

    public Mark At { get; }

    public bool IsPresent => _node is not null;

    public string PathOf(string key) => Path.Length == 0 ? key : $"{Path}.{key}";

    /// <summary>The value of a key that takes a text, a number or a word; null when it is absent or of another form.</summary>
    public Scalar? Find(string key)
    {
        var node = FindNode(key);
        return node is null ? null : ScalarOf(node, PathOf(key));
    }

    /// <summary>Whether the key is there with anything, be it of the wrong form.</summary>
    public bool Has(string key) => FindNode(key) is not null;

    /// <summary>As <see cref="Find"/>; absence is an error.</summary>
    public Scalar? Require(string key)
    {
        var node = FindNode(key);
        if (node is null)
        {
            Scope.Report(At, $"{PathOf(key)} is missing.");
            return null;
        }
        return ScalarOf(node, PathOf(key));
    }

    public Section Open(string key)
    {
        var node = FindNode(key);
        return MappingOf(node, PathOf(key), node?.Start ?? At);
    }

    /// <summary>The elements of a list of mappings.</summary>
    public IReadOnlyList<Section> OpenList(string key)
    {
        var node = FindNode(key);
        if (node is null)
            return [];
        if (node is YamlSequenceNode sequence)
            return [.. sequence.Select((item, index) => MappingOf(item, $"{PathOf(key)}[{index}]", item.Start))];
        Scope.Report(node.Start, $"{PathOf(key)} must be a list.");
        return [];
    }

    /// <summary>The entries of a mapping from names of the user's choice to a text or a list of texts each.</summary>
    public IReadOnlyList<(Scalar Name, IReadOnlyList<Scalar> Values)> OpenTexts(string key)
    {
        using var map = Open(key);
        var entries = new List<(Scalar, IReadOnlyList<Scalar>)>();
        foreach (var (keyNode, value) in map.Children)
        {
            if (keyNode is not YamlScalarNode scalar || ScalarOf(scalar, map.Path) is not { } name)
                continue;
            map._asked.Add(scalar.Value ?? "");
            var path = map.PathOf(name.Text);
            IEnumerable<YamlNode> items = value is YamlSequenceNode sequence ? sequence.Children : [value];
            entries.Add((name, [.. items.Select(item => ScalarOf(item, path)).OfType<Scalar>()]));
        }
        return entries;
    }

    /// <summary>The entries of a mapping whose keys are names of the user's choice.</summary>
    public IReadOnlyList<(Scalar Name, Section Value)> OpenMap(string key)
    {
        using var map = Open(key);
        var entries = new List<(Scalar, Section)>();
        foreach (var (keyNode, value) in map.Children)
        {
            if (keyNode is YamlScalarNode scalar && ScalarOf(scalar, map.Path) is { } name)
            {
                map._asked.Add(scalar.Value ?? "");
                entries.Add((name, MappingOf(value, map.PathOf(name.Text), value.Start)));
            }
        }
        return entries;
    }

    /// <summary>Reports every key that was not asked for.</summary>
    public void Dispose()
    {
        foreach (var (key, _) in Children)
        {
            if (key is not YamlScalarNode scalar)
                Scope.Report(key.Start, $"A key in {(Path.Length == 0 ? "the file" : Path)} must be a name.");
            else if (!_asked.Contains(scalar.Value ?? ""))
                Scope.Report(key.Start, $"{PathOf(scalar.Value ?? "")} is not known here{Suggestion.For(scalar.Value ?? "", _asked)}.");
        }
    }

    private IEnumerable<KeyValuePair<YamlNode, YamlNode>> Children => _node is null ? [] : _node.Children;

    private YamlNode? FindNode(string key)
    {
        _asked.Add(key);
        if (_node is null || !_node.Children.TryGetValue(new YamlScalarNode(key), out var value))
            return null;
        // "tls:" with nothing after it is as good as not there.
        return value is YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" } ? null : value;
    }

    private Scalar? ScalarOf(YamlNode node, string path)
    {
        if (node is not YamlScalarNode scalar)
        {
            Scope.Report(node.Start, $"{path} must be a single value.");
            return null;
        }
        var text = EnvironmentText.Expand(scalar.Value ?? "", Scope.Environment, out var error);
        if (text is not null)
            return new Scalar(text, node.Start, path);
        Scope.Report(node.Start, $"{path} {error}.");
        return null;
    }

    private Section MappingOf(YamlNode? node, string path, Mark at)
    {
        if (node is not null and not YamlMappingNode && node is not YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" })
            Scope.Report(node.Start, $"{path} must be a mapping of keys to values.");
        return new Section(Scope, node as YamlMappingNode, path, at);
    }
}
