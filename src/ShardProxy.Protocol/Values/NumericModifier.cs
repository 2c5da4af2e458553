namespace ShardProxy.Protocol.Values;

/// <summary>numeric(precision, scale): what storing does to a value.</summary>
internal static class NumericModifier
{
    /// <summary>VARHDRSZ: every modifier of this kind is stored with 4 added.</summary>
    private const int Offset = 4;

    /// <returns>False when the server will report an overflow.</returns>
    public static bool TryApply(int modifier, ref DecimalValue value)
    {
        if (modifier < Offset || value.Kind == DecimalKind.NaN)
            return true;
        if (value.Kind == DecimalKind.Infinity)
            return false;
        var precision = (modifier - Offset) >> 16 & 0xFFFF;
        // 11 bits with a sign; below PostgreSQL 15 never negative nor above 1,000, so that they read the same.
        var scale = (((modifier - Offset) & 0x7FF) ^ 1024) - 1024;
        value.Round(scale);
        return value.IsZero || value.PointPosition <= precision - scale;
    }
}
