using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Merging;

internal static class FloatRows
{
    /// <summary>Rows of a key and a float8 that may differ in its last digits.</summary>
    public static void ShouldBeClose(byte[] actual, byte[] expected, string what)
    {
        var a = new WireMessage('D', actual[5..]).Values;
        var e = new WireMessage('D', expected[5..]).Values;
        a[0].ShouldBe(e[0], what);
        if (a[1] is null || e[1] is null)
        {
            a[1].ShouldBe(e[1], what);
            return;
        }
        var (actualValue, expectedValue) = (Read(a[1]!), Read(e[1]!));
        Math.Abs(actualValue - expectedValue).ShouldBeLessThanOrEqualTo(Math.Abs(expectedValue) * 1e-12, what);
    }

    /// <summary>The sign of a NaN says in which order it came about, and nothing else.</summary>
    public static byte[] WithoutSignOfNaN(byte[] frame)
    {
        var clean = frame.ToArray();
        var hex = Convert.ToHexString(clean);
        foreach (var (negative, positive) in new[] { ("00000008FFF8000000000000", "000000087FF8000000000000"), ("00000004FFC00000", "000000047FC00000") })
            hex = hex.Replace(negative, positive, StringComparison.Ordinal);
        return Convert.FromHexString(hex);
    }

    private static double Read(byte[] value) =>
        double.TryParse(Encoding.ASCII.GetString(value), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : BinaryPrimitives.ReadDoubleBigEndian(value);
}
