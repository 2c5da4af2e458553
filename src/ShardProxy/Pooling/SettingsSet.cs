using System.Collections.Immutable;

namespace ShardProxy.Pooling;

/// <summary>
/// Session settings (GUCs) that differ from a fresh server connection's: names in lower case with the value that
/// current_setting() gave. Immutable and compared by value, so that a lease sees in one comparison whether a server
/// connection already has what the client's session wants.
/// </summary>
public sealed class SettingsSet : IEquatable<SettingsSet>
{
    private readonly ImmutableSortedDictionary<string, string> _values;
    private readonly int _hash;

    private SettingsSet(ImmutableSortedDictionary<string, string> values)
    {
        _values = values;
        var hash = new HashCode();
        foreach (var (name, value) in values)
        {
            hash.Add(name, StringComparer.Ordinal);
            hash.Add(value, StringComparer.Ordinal);
        }
        _hash = hash.ToHashCode();
    }

    public static SettingsSet Empty { get; } = new(ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal));

    public IReadOnlyDictionary<string, string> Values => _values;

    public string? Find(string name) => _values.GetValueOrDefault(name);

    public SettingsSet With(string name, string value) =>
        _values.TryGetValue(name, out var old) && old == value ? this : new SettingsSet(_values.SetItem(name, value));

    public SettingsSet Without(string name) =>
        _values.ContainsKey(name) ? new SettingsSet(_values.Remove(name)) : this;

    public bool Equals(SettingsSet? other)
    {
        if (ReferenceEquals(this, other))
            return true;
        if (other is null || _hash != other._hash || _values.Count != other._values.Count)
            return false;
        foreach (var (name, value) in _values)
        {
            if (!other._values.TryGetValue(name, out var theirs) || theirs != value)
                return false;
        }
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as SettingsSet);

    public override int GetHashCode() => _hash;
}
