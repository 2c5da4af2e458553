using System.Text;
using ShardProxy.Protocol.Authentication;

namespace ShardProxy.Protocol.Tests.Authentication;

public sealed class SaslPrepTests
{
    [Theory]
    [InlineData("I\u00ADX", "IX")] // RFC 4013, section 3, the first five
    [InlineData("user", "user")]
    [InlineData("USER", "USER")]
    [InlineData("\u00AA", "a")]
    [InlineData("\u2168", "IX")]
    [InlineData("a\u00A0b", "a b")]
    [InlineData("e\u0301", "\u00E9")]
    [InlineData("\u1112\u1161\u11AB", "\uD55C")] // Hangul is composed by rule
    [InlineData("\uFB01", "fi")]
    [InlineData("a\u0323\u0307", "\u1EA1\u0307")] // marks in canonical order
    [InlineData("a\u0307\u0323", "\u1EA1\u0307")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307")]
    public void Passwords_are_mapped_and_normalized(string password, string prepared) =>
        Encoding.UTF8.GetString(SaslPrep.Prepare(password)).ShouldBe(prepared);

    [Theory]
    [InlineData("\u0007\u00AA")] // a control character
    [InlineData("\u0627\u00AA1")] // right-to-left text that does not end so
    [InlineData("\u00AD")] // nothing is left
    [InlineData("\u0221\u00AA")] // unassigned in Unicode 3.2
    public void What_the_profile_prohibits_stays_as_it_is(string password) =>
        SaslPrep.Prepare(password).ShouldBe(Encoding.UTF8.GetBytes(password));

    [Fact]
    public void What_is_not_utf8_stays_as_it_is() =>
        SaslPrep.Prepare([0xFF, 0x41, 0xC2]).ShouldBe([0xFF, 0x41, 0xC2]);
}
