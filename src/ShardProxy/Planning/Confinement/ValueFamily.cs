using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>
/// Types whose values compare exactly with each other by the built-in operator =, so that a = b and b = 5 give a = 5.
/// Types outside (floats, for which int8 = float8 rounds) are <see cref="Other"/>, and nothing is concluded from them.
/// </summary>
internal enum ValueFamily
{
    Other,

    /// <summary>
    /// A computed column of parameters or quoted literals only: its type is for PostgreSQL to find. Where it then does not
    /// fit a key, PostgreSQL reports an error, so it may be taken to fit.
    /// </summary>
    Any,

    /// <summary>int2, int4, int8, numeric.</summary>
    Number,

    /// <summary>text and varchar under a deterministic collation.</summary>
    Text,

    /// <summary>char(n), which compares without trailing blanks.</summary>
    Char,
    Uuid,
    Bytes,
    Date,
    Timestamp,
    TimestampTz,
    Boolean,
}

/// <summary>Object ids from PostgreSQL's pg_type.dat: never changed by any version.</summary>
internal static class TypeIds
{
    public const uint Bool = 16;
    public const uint Bytea = 17;
    public const uint Int8 = 20;
    public const uint Int2 = 21;
    public const uint Int4 = 23;
    public const uint Text = 25;
    public const uint BpChar = 1042;
    public const uint VarChar = 1043;
    public const uint Date = 1082;
    public const uint Timestamp = 1114;
    public const uint TimestampTz = 1184;
    public const uint Numeric = 1700;
    public const uint Uuid = 2950;

    public static ValueFamily FamilyOf(uint type) => type switch
    {
        Int2 or Int4 or Int8 or Numeric => ValueFamily.Number,
        Text or VarChar => ValueFamily.Text,
        BpChar => ValueFamily.Char,
        Uuid => ValueFamily.Uuid,
        Bytea => ValueFamily.Bytes,
        Date => ValueFamily.Date,
        Timestamp => ValueFamily.Timestamp,
        TimestampTz => ValueFamily.TimestampTz,
        Bool => ValueFamily.Boolean,
        _ => ValueFamily.Other,
    };

    /// <summary>
    /// Whether equal values of the two are one value. char(n) goes with nothing else: it compares without trailing blanks,
    /// and with text by the rules of text.
    /// </summary>
    public static bool Compare(ValueFamily left, ValueFamily right) =>
        left != ValueFamily.Other
        && right != ValueFamily.Other
        && (left == right
            || (left == ValueFamily.Any && right != ValueFamily.Char)
            || (right == ValueFamily.Any && left != ValueFamily.Char));

    /// <summary>date, time, timestamp, timestamptz, timetz.</summary>
    public static bool IsTime(uint type) => type is 1082 or 1083 or 1114 or 1184 or 1266;

    public static bool IsInteger(uint type) => type is Int2 or Int4 or Int8;

    public static uint ArrayOf(uint element) => element switch
    {
        Bool => 1000,
        Bytea => 1001,
        Int2 => 1005,
        Int4 => 1007,
        Text => 1009,
        BpChar => 1014,
        VarChar => 1015,
        Int8 => 1016,
        Timestamp => 1115,
        Date => 1182,
        TimestampTz => 1185,
        Numeric => 1231,
        Uuid => 2951,
        _ => 0,
    };

    /// <summary>The element type of a built-in type's name in a cast; 0 when it is none of the key types or not surely a built-in.</summary>
    /// <param name="trustUnqualified">pg_catalog comes first in the search path.</param>
    public static uint ByName(TypeName type, bool trustUnqualified)
    {
        // A modifier cuts or rounds the value: varchar(3), numeric(10,1), timestamp(0).
        if (type.HasModifiers || type.IsSet)
            return 0;
        if (type.Names.Length == 2 ? type.Names[0] != "pg_catalog" : type.Names.Length != 1 || !trustUnqualified)
            return 0;
        return type.Names[^1] switch
        {
            "int2" => Int2,
            "int4" => Int4,
            "int8" => Int8,
            "numeric" => Numeric,
            "text" => Text,
            "varchar" => VarChar,
            "bpchar" => BpChar,
            "uuid" => Uuid,
            "bytea" => Bytea,
            "date" => Date,
            "timestamp" => Timestamp,
            "timestamptz" => TimestampTz,
            "bool" => Bool,
            _ => 0,
        };
    }
}
