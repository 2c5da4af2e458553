namespace ShardProxy.Protocol.Values;

/// <summary>
/// Keys of the types text, varchar and char(n), met by values of these, of name, and by quoted literals. Both formats
/// have the same bytes. The operators are those that PostgreSQL's resolution picks: text with char(n) compares as text
/// after the blanks were cut off the char(n); varchar with char(n) compares as char(n).
/// </summary>
internal static class TextKey
{
    /// <summary>NAMEDATALEN: a longer name is cut when it is read.</summary>
    private const int NameLength = 64;

    /// <summary>VARHDRSZ, which modifiers of this kind include.</summary>
    private const int ModifierOffset = 4;

    public static KeyHashResult Read<TSink>(in KeyTarget key, uint type, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        if (type is not (TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar or TypeOid.Name) || (type == TypeOid.Name && value.Length >= NameLength))
            return KeyHashResult.Unknown;
        return key.Use == KeyUse.Compare ? Compare(key.Type, type, value, ref sink) : Store(key, type, value, ref sink);
    }

    private static KeyHashResult Compare<TSink>(uint key, uint type, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        switch (key, type)
        {
            // Keys that differ in trailing blanks equal the value alike, and hash differently.
            case (TypeOid.Varchar, TypeOid.Bpchar):
            case (TypeOid.Bpchar, TypeOid.Name):
                return KeyHashResult.Unknown;
            case (TypeOid.Bpchar, TypeOid.Text) when value.EndsWith((byte)' '):
                return KeyHashResult.NeverEqual;
            case (TypeOid.Bpchar, _):
            case (_, TypeOid.Bpchar):
                sink.Bpchar(value);
                return KeyHashResult.Hashed;
            default:
                sink.Text(value);
                return KeyHashResult.Hashed;
        }
    }

    private static KeyHashResult Store<TSink>(in KeyTarget key, uint type, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        if (type == TypeOid.Bpchar)
            value = value.TrimEnd((byte)' ');
        if (key.Type != TypeOid.Text && key.TypeModifier >= ModifierOffset && !TryCut(ref value, key.TypeModifier - ModifierOffset))
            return KeyHashResult.Invalid;
        if (key.Type == TypeOid.Bpchar)
            sink.Bpchar(value);
        else
            sink.Text(value);
        return KeyHashResult.Hashed;
    }

    /// <summary>Only blanks may go beyond the length; they are dropped.</summary>
    /// <param name="characters">Of UTF-8.</param>
    private static bool TryCut(ref ReadOnlySpan<byte> value, int characters)
    {
        if (value.Length <= characters)
            return true;
        for (var at = 0; at < value.Length; at++)
        {
            var startsCharacter = (value[at] & 0xC0) != 0x80;
            if (!startsCharacter || characters-- > 0)
                continue;
            if (value[at..].ContainsAnyExcept((byte)' '))
                return false;
            value = value[..at];
            return true;
        }
        return true;
    }
}
