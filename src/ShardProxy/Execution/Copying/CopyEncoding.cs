namespace ShardProxy.Execution.Copying;

/// <summary>How far the bytes of a COPY's rows are those that the server will hash.</summary>
internal enum CopyEncodingRule
{
    /// <summary>The server takes the bytes as they are.</summary>
    AsIs,

    /// <summary>The server converts them: only ASCII stays what it is.</summary>
    AsciiKeysOnly,

    /// <summary>A byte of a character may look like a delimiter, so rows cannot be cut.</summary>
    Unreadable,
}

/// <summary>
/// Judges a COPY's encoding. The encodings that are not supersets of ASCII byte by byte are those that PostgreSQL allows
/// for clients only (PostgreSQL documentation, "Supported Character Sets").
/// </summary>
internal static class CopyEncoding
{
    /// <param name="client">The option ENCODING or else the session's client_encoding, in any of PostgreSQL's spellings.</param>
    /// <param name="server">The server's server_encoding.</param>
    public static CopyEncodingRule Judge(string client, string server)
    {
        var (from, to) = (Normalize(client), Normalize(server));
        if (IsClientOnly(from))
            return CopyEncodingRule.Unreadable;
        return from == to || from == "sqlascii" || to == "sqlascii" ? CopyEncodingRule.AsIs : CopyEncodingRule.AsciiKeysOnly;
    }

    public static bool IsUtf8(string encoding) => Normalize(encoding) == "utf8";

    private static bool IsClientOnly(string normalized) => normalized is
        "sjis" or "shiftjis" or "mskanji" or "win932" or "windows932" or
        "big5" or "win950" or "windows950" or
        "gbk" or "win936" or "windows936" or
        "uhc" or "win949" or "windows949" or
        "gb18030" or "johab" or "shiftjis2004";

    /// <summary>As PostgreSQL compares encoding names: letters and digits only, in lower case.</summary>
    private static string Normalize(string encoding)
    {
        var name = string.Concat(encoding.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();
        return name == "unicode" ? "utf8" : name;
    }
}
