using System.Globalization;
using System.Text;
using System.Text.Unicode;
using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Execution.Copying;

/// <summary>
/// What PostgreSQL says of a value that a type's input function rejects, by SQLSTATE and message. The row is on no shard
/// yet, so the proxy says it.
/// </summary>
internal static class CopyKeyErrors
{
    /// <summary>A type modifier counts four bytes of header (VARHDRSZ).</summary>
    private const int ModifierOffset = 4;

    public static ServerError Invalid(KeyType type, ReadOnlySpan<byte> text, string shown)
    {
        var name = NameOf(type.Oid);
        switch (type.Oid)
        {
            case TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 when IsWholeNumber(text):
                return new ServerError(SqlStates.NumericValueOutOfRange, $"value \"{shown}\" is out of range for type {name}");
            case TypeOid.Date or TypeOid.Timestamp or TypeOid.Timestamptz:
                return new ServerError(SqlStates.InvalidDatetimeFormat, $"invalid input syntax for type {name}: \"{shown}\"");
            case TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar when !Utf8.IsValid(text):
                return new ServerError(SqlStates.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"");
            case TypeOid.Varchar or TypeOid.Bpchar:
                var length = (type.TypeModifier - ModifierOffset).ToString(CultureInfo.InvariantCulture);
                return new ServerError(SqlStates.StringDataRightTruncation, $"value too long for type {name}({length})");
            default:
                return new ServerError(SqlStates.InvalidTextRepresentation, $"invalid input syntax for type {name}: \"{shown}\"");
        }
    }

    private static bool IsWholeNumber(ReadOnlySpan<byte> text)
    {
        text = text.Trim(" \t\n\v\f\r"u8);
        if (text.Length > 0 && text[0] is (byte)'-' or (byte)'+')
            text = text[1..];
        return text.Length > 0 && !text.ContainsAnyExceptInRange((byte)'0', (byte)'9');
    }

    private static string NameOf(uint type) => type switch
    {
        TypeOid.Int2 => "smallint",
        TypeOid.Int4 => "integer",
        TypeOid.Int8 => "bigint",
        TypeOid.Numeric => "numeric",
        TypeOid.Varchar => "character varying",
        TypeOid.Bpchar => "character",
        TypeOid.Uuid => "uuid",
        TypeOid.Bytea => "bytea",
        TypeOid.Bool => "boolean",
        TypeOid.Date => "date",
        TypeOid.Timestamp => "timestamp",
        TypeOid.Timestamptz => "timestamp with time zone",
        _ => "text",
    };
}
