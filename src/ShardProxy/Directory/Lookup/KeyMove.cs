using System.Globalization;

namespace ShardProxy.Directory.Lookup;

/// <summary>
/// A key of a lookup group that is on its way from one slot to another. As long as it stands in the directory no proxy lets a
/// new transaction at the key's rows, and none trusts what it remembers of its place.
/// </summary>
/// <param name="Group">The id of the group's rule.</param>
/// <param name="Key">The key's image, in hexadecimal digits.</param>
/// <param name="Number">By which proxies say that they have let go of it; the next move has the next one.</param>
/// <param name="Owner">The proxy that moves it: its id in the fleet; empty where there is only one.</param>
public sealed record KeyMove(string Group, string Key, int From, int To, long Number, string Owner)
{
    public bool IsOf(string group, ReadOnlySpan<byte> image) =>
        Group == group && Key.Length == 2 * image.Length && Convert.FromHexString(Key).AsSpan().SequenceEqual(image);
}

/// <summary>A key is about to be moved.</summary>
public sealed record KeyMoveBegun(string Group, string Key, int From, int To, string Owner) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft)
    {
        if (draft.Moves.Exists(move => move.Group == Group && move.Key == Key))
            throw new DirectoryException("the key is being moved already");
        draft.MoveNumber++;
        draft.Moves.Add(new KeyMove(Group, Key, From, To, draft.MoveNumber, Owner));
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"begin to move key {Key} of {Group} from slot {From} to {To}");
}

/// <summary>A key's rows and its entry are together on one shard again.</summary>
public sealed record KeyMoveEnded(string Group, string Key) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft) => draft.Moves.RemoveAll(move => move.Group == Group && move.Key == Key);

    public override string ToString() => $"end to move key {Key} of {Group}";
}
