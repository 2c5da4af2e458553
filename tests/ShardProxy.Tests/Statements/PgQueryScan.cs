using System.Runtime.InteropServices;

namespace ShardProxy.Tests.Statements;

/// <param name="Token">The grammar's token number: the character itself below 256.</param>
public readonly record struct PgToken(int Start, int End, int Token, bool IsKeyword);

/// <summary>PostgreSQL 15's own lexer, as libpg_query offers it: the oracle for ours.</summary>
public static partial class PgQueryScan
{
    public const int Identifier = 258;
    public const int UnicodeIdentifier = 259;
    public const int Decimal = 260;
    public const int String = 261;
    public const int UnicodeString = 262;
    public const int BitString = 263;
    public const int HexString = 264;
    public const int Integer = 266;
    public const int LineComment = 275;
    public const int BlockComment = 276;
    public const int NationalCharacter = 517;

    private const string Library = "libpg_query.so.1504.0";

    /// <summary>Null when the lexer reports an error.</summary>
    public static List<PgToken>? TryScan(byte[] sql)
    {
        var text = new byte[sql.Length + 1];
        sql.CopyTo(text, 0);
        var result = Scan(text);
        try
        {
            if (result.Error != 0)
                return null;
            var bytes = new byte[(int)result.Length];
            Marshal.Copy(result.Data, bytes, 0, bytes.Length);
            return MendEnds(ReadTokens(bytes), sql);
        }
        finally
        {
            Free(result);
        }
    }

    /// <summary>libpg_query reports the prefix's end for U&amp;"…" and U&amp;'…': their end is where the white space before the next token starts.</summary>
    private static List<PgToken> MendEnds(List<PgToken> tokens, byte[] sql)
    {
        for (var index = 0; index < tokens.Count; index++)
        {
            if (tokens[index].Token is not (UnicodeIdentifier or UnicodeString))
                continue;
            var next = index + 1 < tokens.Count ? tokens[index + 1].Start : sql.Length;
            tokens[index] = tokens[index] with { End = tokens[index].Start + sql.AsSpan(tokens[index].Start, next - tokens[index].Start).TrimEnd(" \t\r\n\f"u8).Length };
        }
        return tokens;
    }

    [LibraryImport(Library, EntryPoint = "pg_query_scan")]
    private static partial ScanResult Scan(byte[] sql);

    [LibraryImport(Library, EntryPoint = "pg_query_free_scan_result")]
    private static partial void Free(ScanResult result);

    /// <summary>Message ScanResult: field 2 repeats ScanToken.</summary>
    private static List<PgToken> ReadTokens(ReadOnlySpan<byte> message)
    {
        var tokens = new List<PgToken>();
        while (!message.IsEmpty)
        {
            var tag = ReadVarint(ref message);
            var value = (int)ReadVarint(ref message);
            if ((tag & 7) == 0)
                continue;
            tokens.Add(ReadToken(message[..value]));
            message = message[value..];
        }
        return tokens;
    }

    private static PgToken ReadToken(ReadOnlySpan<byte> message)
    {
        Span<int> fields = stackalloc int[8];
        fields.Clear();
        while (!message.IsEmpty)
        {
            var tag = ReadVarint(ref message);
            fields[(int)(tag >> 3)] = (int)ReadVarint(ref message);
        }
        return new PgToken(fields[1], fields[2], fields[4], fields[5] != 0);
    }

    private static ulong ReadVarint(ref ReadOnlySpan<byte> message)
    {
        var value = 0ul;
        for (var shift = 0; ; shift += 7)
        {
            var next = message[0];
            message = message[1..];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ScanResult
    {
        public nint Length;
        public nint Data;
        public nint ErrorBuffer;
        public nint Error;
    }
}
