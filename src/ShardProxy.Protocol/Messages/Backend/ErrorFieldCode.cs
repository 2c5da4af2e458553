namespace ShardProxy.Protocol.Messages;

/// <summary>The fields of errors and notices (PostgreSQL documentation, "Error and Notice Message Fields").</summary>
public static class ErrorFieldCode
{
    /// <summary>Severity in the server's language.</summary>
    public const byte LocalizedSeverity = (byte)'S';

    /// <summary>Severity in English, since PostgreSQL 9.6.</summary>
    public const byte Severity = (byte)'V';
    public const byte SqlState = (byte)'C';
    public const byte Message = (byte)'M';
    public const byte Detail = (byte)'D';
    public const byte Hint = (byte)'H';
    public const byte Position = (byte)'P';
    public const byte InternalPosition = (byte)'p';
    public const byte InternalQuery = (byte)'q';
    public const byte Where = (byte)'W';
    public const byte SchemaName = (byte)'s';
    public const byte TableName = (byte)'t';
    public const byte ColumnName = (byte)'c';
    public const byte DataTypeName = (byte)'d';
    public const byte ConstraintName = (byte)'n';
    public const byte File = (byte)'F';
    public const byte Line = (byte)'L';
    public const byte Routine = (byte)'R';
}
