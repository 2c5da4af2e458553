using System.Text;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Protocol.Tests.Values;

/// <summary>Expected texts are PostgreSQL's: SET extra_float_digits = …; SELECT value::float8.</summary>
public sealed class FloatTextTests
{
    [Theory]
    [InlineData(0.1, 1, "0.1")]
    [InlineData(0.1, 0, "0.1")]
    [InlineData(1.0 / 3, 1, "0.3333333333333333")]
    [InlineData(1.0 / 3, 0, "0.333333333333333")]
    [InlineData(1.0 / 3, -12, "0.333")]
    [InlineData(1e15, 1, "1e+15")]
    [InlineData(123456789012345, 1, "123456789012345")]
    [InlineData(1e14, 0, "100000000000000")]
    [InlineData(0.0001, 1, "0.0001")]
    [InlineData(0.00001, 1, "1e-05")]
    [InlineData(1.5e300, 1, "1.5e+300")]
    [InlineData(-0.0, 1, "-0")]
    [InlineData(double.NaN, 1, "NaN")]
    [InlineData(double.NegativeInfinity, 0, "-Infinity")]
    [InlineData(5e-324, 1, "5e-324")]
    public void Doubles_are_written_as_the_server_writes_them(double value, int extraFloatDigits, string expected)
    {
        var bytes = new byte[FloatText.MaxLength];
        Encoding.ASCII.GetString(bytes, 0, FloatText.Write(value, extraFloatDigits, bytes)).ShouldBe(expected);
    }

    [Theory]
    [InlineData(0.1f, 1, "0.1")]
    [InlineData(1e6f, 1, "1e+06")]
    [InlineData(123456f, 1, "123456")]
    [InlineData(1f / 3, 0, "0.333333")]
    public void Singles_are_written_as_the_server_writes_them(float value, int extraFloatDigits, string expected)
    {
        var bytes = new byte[FloatText.MaxLength];
        Encoding.ASCII.GetString(bytes, 0, FloatText.Write(value, extraFloatDigits, bytes)).ShouldBe(expected);
    }
}
