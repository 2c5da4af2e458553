using System.Text;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Execution.Copying;

/// <summary>The errors of a split COPY, with the context that PostgreSQL gives: table, line and column.</summary>
/// <param name="column">The key column, or the one that says the zone.</param>
internal sealed class CopyErrors(TableDistribution table, KeyType keyType, string column)
{
    /// <summary>How much of a value an error quotes, in characters (copyfrom.c: MAX_COPY_DATA_DISPLAY).</summary>
    private const int LongestQuote = 100;

    private readonly string _table = table.Table.Name;
    private readonly string _column = column;

    /// <summary>Why the data cannot be read at all, or null.</summary>
    public static ServerError? Refuse(CopyOptions options, string encoding, CopyEncodingRule rule)
    {
        if (options.Format == CopyFormat.Binary)
            return null;
        if (rule == CopyEncodingRule.Unreadable)
        {
            return new ServerError(SqlStates.FeatureNotSupported, $"COPY FROM a client in encoding {encoding} to a sharded table is not supported")
            {
                Hint = "Set client_encoding to UTF8.",
            };
        }
        var ascii = Ascii.IsValid(options.NullText) && Ascii.IsValid(options.DefaultText ?? "");
        return ascii || CopyEncoding.IsUtf8(encoding)
            ? null
            : new ServerError(SqlStates.FeatureNotSupported, $"COPY with a NULL or DEFAULT text beyond ASCII in encoding {encoding} is not supported for a sharded table")
            {
                Hint = "Set client_encoding to UTF8.",
            };
    }

    public static ServerError NewShard() =>
        new(SqlStates.SerializationFailure, "a shard was added to the table's group while the COPY ran, and a new key was placed there") { Hint = "Try again." };

    public ServerError NullKey(long line) =>
        new(SqlStates.NotNullViolation, $"null value in column \"{_column}\" of relation \"{_table}\" violates not-null constraint")
        {
            Detail = "The column is the table's shard key.",
            Where = Context(line, ": null input"),
            SchemaName = table.Table.Schema,
            TableName = _table,
            ColumnName = _column,
        };

    public ServerError MissingKey(long line) =>
        new(SqlStates.BadCopyFileFormat, $"missing data for column \"{_column}\"") { Where = Context(line) };

    public ServerError DefaultKey(long line) =>
        new(SqlStates.FeatureNotSupported, $"COPY with DEFAULT for the shard key \"{_column}\" is not supported")
        {
            Hint = "Give the key's value in each row.",
            Where = Context(line, ""),
        };

    public ServerError ConvertedKey(long line) =>
        new(SqlStates.FeatureNotSupported, "COPY with a shard key beyond ASCII is not supported when the client's encoding is not the server's")
        {
            Hint = "Set client_encoding to the server's encoding.",
            Where = Context(line, ""),
        };

    /// <summary>A value that the server will reject.</summary>
    public ServerError InvalidKey(long line, ReadOnlySpan<byte> key, bool binary) =>
        binary
            ? new(SqlStates.InvalidBinaryRepresentation, $"incorrect binary data format for shard key \"{_column}\"") { Where = Context(line, "") }
            : CopyKeyErrors.Invalid(keyType, key, Quote(key)) with { Where = Context(line, $": \"{Quote(key)}\"") };

    /// <summary>A value that depends on what only the server knows, such as its clock or DateStyle.</summary>
    public ServerError UnknownKey(long line, ReadOnlySpan<byte> key, bool binary) =>
        new(SqlStates.FeatureNotSupported, $"the shard of this value of the shard key \"{_column}\" cannot be told")
        {
            Hint = "Write the value in full: dates as YYYY-MM-DD, times with a numeric time zone.",
            Where = Context(line, binary ? "" : $": \"{Quote(key)}\""),
        };

    /// <summary>A value that no range or list of the table holds.</summary>
    public ServerError NoBucket(long line, KeyPlacement placement, ReadOnlySpan<byte> image, ReadOnlySpan<byte> key, bool binary) =>
        new(SqlStates.CheckViolation, $"the shard key \"{_column}\" of a new row has no place: the table would need {placement.Missing(image, binary ? "the key" : Quote(key))}")
        {
            Where = Context(line, binary ? "" : $": \"{Quote(key)}\""),
            SchemaName = table.Table.Schema,
            TableName = _table,
            ColumnName = _column,
        };

    /// <summary>A row of a zone that does not have the shard where the rows of its key are.</summary>
    public ServerError OtherZone(long line) =>
        new(SqlStates.CheckViolation, Refusals.OtherZone(key: null).Reason)
        {
            Hint = Refusals.OtherZone(key: null).Hint,
            Where = Context(line),
            SchemaName = table.Table.Schema,
            TableName = _table,
            ColumnName = _column,
        };

    public ServerError RowTooLong(long line, int limit) =>
        new(SqlStates.ProgramLimitExceeded, $"a row of COPY data is longer than {limit} bytes") { Where = Context(line) };

    public ServerError Malformed(long line, CopyProblem problem) =>
        new(SqlStates.BadCopyFileFormat, problem.Message) { Hint = problem.Hint, Where = Context(line) };

    private string Context(long line) => $"COPY {_table}, line {line}";

    private string Context(long line, string value) => $"COPY {_table}, line {line}, column {_column}{value}";

    private static string Quote(ReadOnlySpan<byte> value)
    {
        var text = Encoding.UTF8.GetString(value);
        return text.Length <= LongestQuote ? text : string.Concat(text.AsSpan(0, LongestQuote), "...");
    }
}
