namespace ShardProxy.Statements;

/// <summary>What a byte can begin, outside quotes and comments.</summary>
internal enum SqlByteClass : byte
{
    /// <summary>No token starts with it in any PostgreSQL version that we know; or versions disagree (vertical tab).</summary>
    Control,
    Space,
    Word,
    Digit,
    Quote,
    DoubleQuote,
    Dollar,
    Dot,
    Colon,
    Operator,
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    Comma,
    Semicolon,

    /// <summary>A printable character that is a token by itself and a syntax error to the grammar.</summary>
    Other,
}

/// <summary>
/// The character classes of PostgreSQL's lexer (src/backend/parser/scan.l: space, ident_start, ident_cont, op_chars,
/// self). Bytes from 0x80 up are letters there, so every encoding whose ASCII bytes stand for themselves is read alike.
/// </summary>
internal static class SqlBytes
{
    /// <summary>By byte: its class.</summary>
    public static readonly SqlByteClass[] Class = BuildClasses();

    /// <summary>By byte: the byte in lower case (ASCII only) where it can go on an identifier, else 0.</summary>
    public static readonly byte[] FoldedWordByte = BuildFolded();

    public static bool IsDigit(byte value) => (uint)(value - '0') <= 9;

    public static bool IsWordByte(byte value) => FoldedWordByte[value] != 0;

    public static bool IsWordStart(byte value) => Class[value] == SqlByteClass.Word;

    public static bool IsOperator(byte value) => Class[value] == SqlByteClass.Operator;

    public static bool IsSpace(byte value) => Class[value] == SqlByteClass.Space;

    public static bool IsNewLine(byte value) => value is (byte)'\n' or (byte)'\r';

    private static SqlByteClass[] BuildClasses()
    {
        var classes = new SqlByteClass[256];
        for (var value = 0; value < classes.Length; value++)
        {
            classes[value] = (char)value switch
            {
                ' ' or '\t' or '\n' or '\r' or '\f' => SqlByteClass.Space,
                >= 'a' and <= 'z' or >= 'A' and <= 'Z' or '_' or >= '\x80' => SqlByteClass.Word,
                >= '0' and <= '9' => SqlByteClass.Digit,
                '\'' => SqlByteClass.Quote,
                '"' => SqlByteClass.DoubleQuote,
                '$' => SqlByteClass.Dollar,
                '.' => SqlByteClass.Dot,
                ':' => SqlByteClass.Colon,
                '(' => SqlByteClass.OpenParenthesis,
                ')' => SqlByteClass.CloseParenthesis,
                '[' => SqlByteClass.OpenBracket,
                ']' => SqlByteClass.CloseBracket,
                ',' => SqlByteClass.Comma,
                ';' => SqlByteClass.Semicolon,
                '~' or '!' or '@' or '#' or '^' or '&' or '|' or '`' or '?' or '+' or '-' or '*' or '/' or '%' or '<' or '>' or '='
                    => SqlByteClass.Operator,
                < ' ' => SqlByteClass.Control,
                _ => SqlByteClass.Other,
            };
        }
        return classes;
    }

    private static byte[] BuildFolded()
    {
        var folded = new byte[256];
        for (var value = 0; value < folded.Length; value++)
        {
            if (Class[value] is SqlByteClass.Word or SqlByteClass.Digit or SqlByteClass.Dollar)
                folded[value] = value is >= 'A' and <= 'Z' ? (byte)(value | 0x20) : (byte)value;
        }
        return folded;
    }
}
