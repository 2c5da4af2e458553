using System.Numerics;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// A numeric of any size, with PostgreSQL's arithmetic: <see cref="Unscaled"/> × 10^-<see cref="Scale"/>. The scale is the display scale
/// (dscale in numeric.c) and part of the value: 1.0 and 1.00 are equal and look different.
/// </summary>
public readonly struct NumericValue
{
    /// <summary>NUMERIC_MIN_SIG_DIGITS (utils/numeric.h): significant digits that a quotient has at least.</summary>
    private const int MinSignificantDigits = 16;

    /// <summary>NUMERIC_MAX_DISPLAY_SCALE (utils/numeric.h).</summary>
    private const int MaxDisplayScale = 1000;

    public NumericValue(BigInteger unscaled, int scale)
    {
        Unscaled = unscaled;
        Scale = scale;
    }

    private NumericValue(NumericForm form) => Form = form;

    public static NumericValue NaN { get; } = new(NumericForm.NaN);

    public static NumericValue PositiveInfinity { get; } = new(NumericForm.PositiveInfinity);

    public static NumericValue NegativeInfinity { get; } = new(NumericForm.NegativeInfinity);

    public NumericForm Form { get; }

    public BigInteger Unscaled { get; }

    public int Scale { get; }

    public bool IsFinite => Form == NumericForm.Finite;

    public static NumericValue FromInteger(long value) => new(value, 0);

    /// <summary>The same value with more digits behind the point.</summary>
    public BigInteger UnscaledAt(int scale) => scale == Scale ? Unscaled : Unscaled * BigInteger.Pow(10, scale - Scale);

    public static NumericValue operator +(in NumericValue a, in NumericValue b)
    {
        if (!a.IsFinite || !b.IsFinite)
            return AddSpecial(a, b);
        var scale = Math.Max(a.Scale, b.Scale);
        return new NumericValue(a.UnscaledAt(scale) + b.UnscaledAt(scale), scale);
    }

    public static NumericValue operator -(in NumericValue a, in NumericValue b)
    {
        var scale = Math.Max(a.Scale, b.Scale);
        return new NumericValue(a.UnscaledAt(scale) - b.UnscaledAt(scale), scale);
    }

    /// <summary>Of finite values; the scale is the sum of both.</summary>
    public static NumericValue operator *(in NumericValue a, in NumericValue b) => new(a.Unscaled * b.Unscaled, a.Scale + b.Scale);

    /// <summary>numeric_div: the scale is the one that select_div_scale chooses. The divisor is finite and not zero.</summary>
    public static NumericValue operator /(in NumericValue a, in NumericValue b) =>
        a.IsFinite ? DivideAt(a, b, DivisionScale(a, b)) : b.Unscaled.Sign < 0 ? Negate(a) : a;

    /// <summary>The quotient of finite values with <paramref name="scale"/> digits behind the point, half rounded away from zero.</summary>
    public static NumericValue DivideAt(in NumericValue a, in NumericValue b, int scale)
    {
        var numerator = a.Unscaled;
        var denominator = b.Unscaled;
        var shift = scale + b.Scale - a.Scale;
        if (shift >= 0)
            numerator *= BigInteger.Pow(10, shift);
        else
            denominator *= BigInteger.Pow(10, -shift);
        return new NumericValue(RoundedQuotient(numerator, denominator), scale);
    }

    /// <summary>select_div_scale of numeric.c.</summary>
    public static int DivisionScale(in NumericValue a, in NumericValue b)
    {
        var (weightA, firstA) = a.Leading();
        var (weightB, firstB) = b.Leading();
        var weight = weightA - weightB - (firstA <= firstB ? 1 : 0);
        var scale = Math.Max(MinSignificantDigits - (weight * 4), Math.Max(a.Scale, b.Scale));
        return Math.Clamp(scale, 0, MaxDisplayScale);
    }

    /// <summary>sqrt_var: the root of a value that is not negative, half rounded up at <paramref name="scale"/> digits.</summary>
    public NumericValue SquareRoot(int scale)
    {
        // One digit more than wanted, cut off; a root that is not exact never ends in exactly a half.
        var shift = (2 * (scale + 1)) - Scale;
        var radicand = shift >= 0 ? Unscaled * BigInteger.Pow(10, shift) : Unscaled / BigInteger.Pow(10, -shift);
        return new NumericValue(RoundedQuotient(FloorSquareRoot(radicand), 10), scale);
    }

    private static NumericValue AddSpecial(in NumericValue a, in NumericValue b)
    {
        if (a.Form == NumericForm.NaN || b.Form == NumericForm.NaN)
            return NaN;
        if (a.IsFinite)
            return b;
        return b.IsFinite || a.Form == b.Form ? a : NaN;
    }

    private static NumericValue Negate(in NumericValue value) => value.Form switch
    {
        NumericForm.PositiveInfinity => NegativeInfinity,
        NumericForm.NegativeInfinity => PositiveInfinity,
        _ => value,
    };

    private static BigInteger RoundedQuotient(BigInteger numerator, BigInteger denominator)
    {
        var quotient = BigInteger.DivRem(numerator, denominator, out var rest);
        if (BigInteger.Abs(rest) * 2 >= BigInteger.Abs(denominator))
            quotient += numerator.Sign == denominator.Sign ? 1 : -1;
        return quotient;
    }

    private static BigInteger FloorSquareRoot(BigInteger value)
    {
        if (value.IsZero)
            return value;
        // Newton's method from above: falls until it has reached the floor.
        var root = BigInteger.One << (int)((value.GetBitLength() + 1) / 2);
        while (true)
        {
            var next = (root + (value / root)) >> 1;
            if (next >= root)
                return root;
            root = next;
        }
    }

    /// <summary>To the base 10,000: the exponent and the digit of the first digit that is not zero; zeros for zero.</summary>
    private (int Weight, int Digit) Leading()
    {
        if (Unscaled.IsZero)
            return (0, 0);
        var magnitude = BigInteger.Abs(Unscaled);
        var digits = DecimalDigits(magnitude);
        var exponent = digits - Scale - 1;
        var weight = exponent >> 2;
        var wanted = exponent - (weight * 4) + 1;
        var leading = digits >= wanted ? magnitude / BigInteger.Pow(10, digits - wanted) : magnitude * BigInteger.Pow(10, wanted - digits);
        return (weight, (int)leading);
    }

    private static int DecimalDigits(BigInteger magnitude)
    {
        // log10(2) from below, so that the estimate is right or one too small.
        var digits = (int)((magnitude.GetBitLength() - 1) * 0.30102999566398114) + 1;
        return magnitude >= BigInteger.Pow(10, digits) ? digits + 1 : digits;
    }
}
