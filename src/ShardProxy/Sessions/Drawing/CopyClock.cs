using System.Buffers.Binary;
using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Writing;

namespace ShardProxy.Sessions.Drawing;

/// <summary>The times that a COPY's rows get for columns that are left out: read once, on the home shard, as the fields that stand behind each row's own.</summary>
internal static class CopyClock
{
    public static async ValueTask<byte[]> FieldsAsync(Session session, CopyPlan plan)
    {
        if (plan.Clocked.IsEmpty)
            return [];
        var isBinary = plan.Options.Format == CopyFormat.Binary;
        var values = string.Join(", ", plan.Clocked.Select(column => isBinary ? Binary(column) : Text(column)));
        var query = await ShardClock.FillAsync(session, Database.HomeShard, $"SELECT pg_catalog.unnest(ARRAY[{values}])");
        var server = await session.Servers.GetAsync(Database.HomeShard);
        var found = await ServerValues.ReadAsync(session, server, query);
        if (found?.Count != plan.Clocked.Length)
            throw new SqlErrorException(session.Relay.SwallowedError ?? new ServerError(SqlStates.ProtocolViolation, "a shard did not say what time it is"));
        var fields = new List<byte>();
        for (var column = 0; column < found.Count; column++)
        {
            if (isBinary)
                AddBinary(fields, Convert.FromHexString(found[column]!));
            else
                AddText(fields, Encoding.UTF8.GetBytes(found[column]!), plan, plan.Clocked[column].Name);
        }
        return [.. fields];
    }

    private static string Binary(ClockColumn column) => $"pg_catalog.encode(pg_catalog.{column.SendFunction}(({column.Default})::pg_catalog.{column.TypeName}), 'hex')";

    // JSON writes times in a way that reads the same under every DateStyle.
    private static string Text(ClockColumn column) => $"pg_catalog.to_jsonb(({column.Default})::pg_catalog.{column.TypeName}) OPERATOR(pg_catalog.#>>) '{{}}'";

    private static void AddBinary(List<byte> fields, byte[] value)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(length, value.Length);
        fields.AddRange(length);
        fields.AddRange(value);
    }

    private static void AddText(List<byte> fields, byte[] value, CopyPlan plan, string column)
    {
        var options = plan.Options;
        fields.Add(options.Delimiter);
        if (options.Format == CopyFormat.Text)
        {
            foreach (var letter in value)
            {
                // A delimiter is no letter or digit that means something behind a backslash.
                if (letter == options.Delimiter || letter == (byte)'\\')
                    fields.Add((byte)'\\');
                fields.Add(letter);
            }
            return;
        }
        if (value.Contains(options.Quote) || value.Contains(options.Escape))
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported, $"the time that the rows get in {column} has the character that quotes or escapes values", $"Add {column} to the data, or take other characters.");
        }
        fields.Add(options.Quote);
        fields.AddRange(value);
        fields.Add(options.Quote);
    }
}
