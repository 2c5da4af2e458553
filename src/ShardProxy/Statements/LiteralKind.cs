namespace ShardProxy.Statements;

/// <summary>How a literal is written: what must be done to its bytes to get the value (see <see cref="LiteralText"/>).</summary>
public enum LiteralKind : byte
{
    /// <summary>Decimal digits whose value fits an int4.</summary>
    Integer,

    /// <summary>Decimal digits whose value fits an int8 but no int4.</summary>
    BigInteger,

    /// <summary>A fraction, an exponent, or digits beyond an int8: PostgreSQL reads it as numeric.</summary>
    Decimal,

    /// <summary>0x1F, 1_000, 1abc: what PostgreSQL versions read differently. Its bytes are part of the shape.</summary>
    OddNumber,

    /// <summary>'…' with nothing to unescape: the value is what stands between the quotes.</summary>
    String,

    /// <summary>'…' with doubled quotes or continued on another line; a backslash is a plain character.</summary>
    QuotedString,

    /// <summary>E'…', or '…' while standard_conforming_strings is off: backslash escapes.</summary>
    EscapedString,

    /// <summary>$tag$…$tag$.</summary>
    DollarString,

    /// <summary>U&amp;'…', whose meaning may depend on an UESCAPE after it. Its bytes are part of the shape.</summary>
    UnicodeString,

    /// <summary>B'…'.</summary>
    BitString,

    /// <summary>X'…'.</summary>
    HexString,

    /// <summary>The unquoted value of a routing hint.</summary>
    BareWord,
}
