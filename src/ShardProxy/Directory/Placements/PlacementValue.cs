using System.Text;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Directory.Placements;

/// <summary>Reads a placement's values as the key's type reads a quoted literal.</summary>
internal static class PlacementValue
{
    /// <exception cref="PlacementException">The type does not read it, or not without knowing a setting (a timestamptz without a zone).</exception>
    public static byte[] Read(string value, uint type)
    {
        var image = new ByteBuffer();
        var read = KeyImage.TryReadText(new KeyTarget(type, -1, KeyUse.Compare), Encoding.UTF8.GetBytes(value), image);
        if (read != KeyHashResult.Hashed)
        {
            throw new PlacementException(type == TypeOid.Timestamptz
                ? $"the value {value} is no timestamp with a time zone, such as 2024-01-01 00:00:00+00"
                : $"the value {value} is not one of the key column's type, written plainly");
        }
        var bytes = image.Unread.ToArray();
        image.Clear();
        image.Release();
        return bytes;
    }
}
