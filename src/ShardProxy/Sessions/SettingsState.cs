using ShardProxy.Pooling;

namespace ShardProxy.Sessions;

/// <summary>What a client has set: for its session, and for its transaction by SET LOCAL.</summary>
public sealed record SettingsState(SettingsSet Session, SettingsSet Local)
{
    public static SettingsState Empty { get; } = new(SettingsSet.Empty, SettingsSet.Empty);

    /// <summary>The value in force; null when it is the server's own default.</summary>
    public string? Find(string name) => Local.Find(name) ?? Session.Find(name);

    public SettingsState WithoutLocal => Local.Values.Count == 0 ? this : this with { Local = SettingsSet.Empty };
}
