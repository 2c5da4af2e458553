using System.Text;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Execution.Copying;

/// <summary>Finds the zone of each row of a COPY into a table with zones.</summary>
/// <param name="asciiOnly">The server converts text, so that bytes beyond ASCII are not those of the zone's value.</param>
internal sealed class CopyZones(CopyPlan plan, KeyType type, bool asciiOnly)
{
    private readonly CopyErrors _errors = new(plan.Table, type, plan.Table.ZoneColumn!);
    private readonly ByteBuffer _scratch = new();
    private readonly ByteBuffer _image = new();
    private readonly bool _binary = plan.Options.Format == CopyFormat.Binary;

    /// <summary>The number of the zone of the row that the scanner has cut last.</summary>
    /// <returns>Null when there is one.</returns>
    public ServerError? Find(CopyRowScanner scanner, ReadOnlySpan<byte> row, out int number)
    {
        number = KeyPlaces.NoZone;
        var line = scanner.Line;
        switch (scanner.ReadZone(row, _scratch, out var zone))
        {
            case CopyKeyState.Null:
                return _errors.NullKey(line);
            case CopyKeyState.Missing:
                return _errors.MissingKey(line);
            case CopyKeyState.Default:
                return _errors.DefaultKey(line);
        }
        if (asciiOnly && !Ascii.IsValid(zone))
            return _errors.ConvertedKey(line);
        var placement = type.Placement!;
        placement.Begin(_image);
        switch (KeyImage.TryReadParameter(new KeyTarget(type.Oid, type.TypeModifier, KeyUse.Store), 0, _binary, zone, _image))
        {
            case KeyHashResult.Hashed:
                number = placement.Find(_image.Unread);
                return number < 0 ? _errors.NoBucket(line, placement, _image.Unread, zone, _binary) : null;
            case KeyHashResult.Unknown:
                return _errors.UnknownKey(line, zone, _binary);
            default:
                return _errors.InvalidKey(line, zone, _binary);
        }
    }

    public void Release()
    {
        _scratch.Clear();
        _scratch.Release();
        _image.Clear();
        _image.Release();
    }
}
