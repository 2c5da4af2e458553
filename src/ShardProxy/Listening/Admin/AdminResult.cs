namespace ShardProxy.Listening.Admin;

public enum AdminType
{
    Text,
    Integer,
    Boolean,
    Timestamp,
}

public sealed record AdminColumn(string Name, AdminType Type);

/// <summary>What a console command gives: rows, or only a tag.</summary>
/// <param name="Tag">Of CommandComplete: "SHOW", "PAUSE".</param>
/// <param name="Columns">Empty for a command without rows.</param>
/// <param name="Rows">Values are string, long, bool, <see cref="DateTimeOffset"/>, or null, as the columns' types say.</param>
public sealed record AdminResult(string Tag, IReadOnlyList<AdminColumn> Columns, IReadOnlyList<object?[]> Rows)
{
    public static AdminResult Done(string tag) => new(tag, [], []);
}
