using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Uniqueness;

/// <summary>
/// What a shard's trigger says of entries: the index's id, and a line for each entry that is to be Added or Removed, with its
/// hash and its text. Signed with the shard's secret, so that no function of a user can say such a thing.
/// </summary>
internal static class EntryReport
{
    /// <summary>Whether a notice is a report. Its words are for nobody else, so it is not passed on in any case.</summary>
    public static bool IsOne(in ErrorFields fields) => fields.TryGet(ErrorFieldCode.SqlState, out var state) && state.SequenceEqual("SPU01"u8);

    /// <exception cref="SqlErrorException">It does not come from the shard's trigger.</exception>
    public static void Read(in ErrorFields fields, string secret, string nonce, EntryChanges changes)
    {
        if (!fields.TryGet(ErrorFieldCode.Message, out var message) || !fields.TryGet(ErrorFieldCode.Detail, out var signature)
            || message.IndexOf((byte)'\n') is not (var end and > 0) || !IsSigned(message, end, secret, nonce, signature))
        {
            throw new SqlErrorException(SqlStates.ProtocolViolation, "a shard has sent a report of entries that its triggers have not made");
        }
        var id = Encoding.ASCII.GetString(message[..end]);
        var lines = message[(end + 1)..];
        while (!lines.IsEmpty)
        {
            var stop = lines.IndexOf((byte)'\n');
            var line = stop < 0 ? lines : lines[..stop];
            lines = stop < 0 ? [] : lines[(stop + 1)..];
            var space = line[2..].IndexOf((byte)' ') + 2;
            var hash = unchecked((ulong)long.Parse(line[2..space], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
            changes.Add(id, hash, isRemoved: line[0] == 'R', Encoding.ASCII.GetString(line[(space + 1)..]));
        }
    }

    private static bool IsSigned(ReadOnlySpan<byte> message, int end, string secret, string nonce, ReadOnlySpan<byte> signature)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes(secret + nonce));
        hash.AppendData(message[..end]);
        hash.AppendData(message[(end + 1)..]);
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash.GetHashAndReset())), signature);
    }
}
