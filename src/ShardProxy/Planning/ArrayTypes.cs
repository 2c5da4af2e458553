namespace ShardProxy.Planning;

/// <summary>Element types of the built-in array types whose elements can be compared with a key (pg_type.dat).</summary>
internal static class ArrayTypes
{
    /// <summary>0 for an unspecified type; null for an array type that is not listed.</summary>
    public static uint? ElementOf(uint array) => array switch
    {
        0 or 705 => 0,
        1000 => 16,
        1001 => 17,
        1005 => 21,
        1007 => 23,
        1009 => 25,
        1014 => 1042,
        1015 => 1043,
        1016 => 20,
        1021 => 700,
        1022 => 701,
        1115 => 1114,
        1182 => 1082,
        1185 => 1184,
        1231 => 1700,
        2951 => 2950,
        _ => null,
    };
}
