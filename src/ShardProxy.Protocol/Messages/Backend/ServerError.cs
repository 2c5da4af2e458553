using System.Globalization;
using System.Text;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>
/// An error or a notice as an object that outlives its frame: one that a server sent, or one that the proxy makes.
/// A null field is absent.
/// </summary>
public sealed record ServerError
{
    public ServerError()
    {
    }

    public ServerError(string sqlState, string message)
    {
        SqlState = sqlState;
        Message = message;
    }

    /// <summary>ERROR, FATAL, PANIC; WARNING, NOTICE, DEBUG, INFO, LOG. In English.</summary>
    public string Severity { get; init; } = "ERROR";

    /// <summary>The severity in the server's language, where it differs.</summary>
    public string? LocalizedSeverity { get; init; }

    /// <summary>Five characters, see <see cref="SqlStates"/>.</summary>
    public string SqlState { get; init; } = SqlStates.InternalError;

    public string Message { get; init; } = "";

    public string? Detail { get; init; }

    public string? Hint { get; init; }

    /// <summary>Where in the statement, in characters from 1.</summary>
    public int? Position { get; init; }

    public int? InternalPosition { get; init; }

    public string? InternalQuery { get; init; }

    public string? Where { get; init; }

    public string? SchemaName { get; init; }

    public string? TableName { get; init; }

    public string? ColumnName { get; init; }

    public string? DataTypeName { get; init; }

    public string? ConstraintName { get; init; }

    public string? File { get; init; }

    public string? Line { get; init; }

    public string? Routine { get; init; }

    /// <summary>The server closes the connection after this.</summary>
    public bool IsFatal => Severity is "FATAL" or "PANIC";

    /// <summary>Text is read as UTF-8; a byte that is none becomes U+FFFD. Fields without a name here are dropped.</summary>
    public static ServerError From(in ErrorFields fields)
    {
        var localizedSeverity = Text(fields, ErrorFieldCode.LocalizedSeverity);
        return new ServerError
        {
            Severity = Text(fields, ErrorFieldCode.Severity) ?? localizedSeverity ?? "ERROR",
            LocalizedSeverity = localizedSeverity,
            SqlState = Text(fields, ErrorFieldCode.SqlState) ?? SqlStates.InternalError,
            Message = Text(fields, ErrorFieldCode.Message) ?? "",
            Detail = Text(fields, ErrorFieldCode.Detail),
            Hint = Text(fields, ErrorFieldCode.Hint),
            Position = Number(fields, ErrorFieldCode.Position),
            InternalPosition = Number(fields, ErrorFieldCode.InternalPosition),
            InternalQuery = Text(fields, ErrorFieldCode.InternalQuery),
            Where = Text(fields, ErrorFieldCode.Where),
            SchemaName = Text(fields, ErrorFieldCode.SchemaName),
            TableName = Text(fields, ErrorFieldCode.TableName),
            ColumnName = Text(fields, ErrorFieldCode.ColumnName),
            DataTypeName = Text(fields, ErrorFieldCode.DataTypeName),
            ConstraintName = Text(fields, ErrorFieldCode.ConstraintName),
            File = Text(fields, ErrorFieldCode.File),
            Line = Text(fields, ErrorFieldCode.Line),
            Routine = Text(fields, ErrorFieldCode.Routine),
        };
    }

    public void WriteError(ByteBuffer to) => Write(to, BackendMessageType.ErrorResponse);

    public void WriteNotice(ByteBuffer to) => Write(to, BackendMessageType.NoticeResponse);

    internal void Write(ByteBuffer to, byte type)
    {
        var frame = FrameWriter.Begin(to, type);
        Field(frame, ErrorFieldCode.LocalizedSeverity, LocalizedSeverity ?? Severity);
        Field(frame, ErrorFieldCode.Severity, Severity);
        Field(frame, ErrorFieldCode.SqlState, SqlState);
        Field(frame, ErrorFieldCode.Message, Message);
        Field(frame, ErrorFieldCode.Detail, Detail);
        Field(frame, ErrorFieldCode.Hint, Hint);
        Field(frame, ErrorFieldCode.Position, Position?.ToString(CultureInfo.InvariantCulture));
        Field(frame, ErrorFieldCode.InternalPosition, InternalPosition?.ToString(CultureInfo.InvariantCulture));
        Field(frame, ErrorFieldCode.InternalQuery, InternalQuery);
        Field(frame, ErrorFieldCode.Where, Where);
        Field(frame, ErrorFieldCode.SchemaName, SchemaName);
        Field(frame, ErrorFieldCode.TableName, TableName);
        Field(frame, ErrorFieldCode.ColumnName, ColumnName);
        Field(frame, ErrorFieldCode.DataTypeName, DataTypeName);
        Field(frame, ErrorFieldCode.ConstraintName, ConstraintName);
        Field(frame, ErrorFieldCode.File, File);
        Field(frame, ErrorFieldCode.Line, Line);
        Field(frame, ErrorFieldCode.Routine, Routine);
        frame.Byte(0);
        frame.End();
    }

    private static void Field(FrameWriter frame, byte code, string? value)
    {
        if (value is null)
            return;
        frame.Byte(code);
        // A message may quote what a client sent; it must not be able to break the frame.
        frame.String(value.Replace("\0", "", StringComparison.Ordinal));
    }

    private static string? Text(in ErrorFields fields, byte code) =>
        fields.TryGet(code, out var value) ? Encoding.UTF8.GetString(value) : null;

    private static int? Number(in ErrorFields fields, byte code) =>
        fields.TryGet(code, out var value) && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
