namespace ShardProxy.Protocol.Values;

public enum KeyUse
{
    /// <summary>The value is compared with stored keys: they are what they are, and the column's modifier does nothing to it.</summary>
    Compare,

    /// <summary>The value becomes a stored key (INSERT, COPY), by assignment: it is rounded or cut to the column's type and modifier.</summary>
    Store,
}

/// <summary>The key column that a value meets.</summary>
/// <param name="Type">Its base type, one of <see cref="TypeOid"/>.</param>
/// <param name="TypeModifier">pg_attribute.atttypmod; -1 for none. Read only for <see cref="KeyUse.Store"/>.</param>
public readonly record struct KeyTarget(uint Type, int TypeModifier, KeyUse Use)
{
    internal KeyHashResult Never => Use == KeyUse.Compare ? KeyHashResult.NeverEqual : KeyHashResult.Invalid;
}

public enum KeyHashResult
{
    /// <summary>Every row whose key equals the value has this hash.</summary>
    Hashed,

    /// <summary>No row can have a key that equals the value.</summary>
    NeverEqual,

    /// <summary>Cannot be known here: it depends on a setting or the clock, or several keys that differ in their hash equal the value.</summary>
    Unknown,

    /// <summary>
    /// Any server will reject the value, provided that it reads it as the type that was given. An untyped literal beside
    /// values of other types may be read as another: in <c>int_key IN ('5.0', 4.5)</c> it is a numeric.
    /// </summary>
    Invalid,
}
