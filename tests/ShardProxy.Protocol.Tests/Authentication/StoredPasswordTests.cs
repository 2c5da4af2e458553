using System.Text;
using ShardProxy.Protocol.Authentication;

namespace ShardProxy.Protocol.Tests.Authentication;

public sealed class StoredPasswordTests
{
    [Fact]
    public void The_three_forms_are_told_apart()
    {
        StoredPassword.Parse("secret").ShouldBeOfType<StoredPassword.Clear>();
        StoredPassword.Parse(Md5Password.Hash("secret", "app")).ShouldBeOfType<StoredPassword.Md5>();
        StoredPassword.Parse(ScramVerifier.Create("secret").Format()).ShouldBeOfType<StoredPassword.Scram>();
        StoredPassword.Parse("SCRAM-SHA-256$4096:bm90$broken").ShouldBeOfType<StoredPassword.Clear>();
    }

    [Fact]
    public void A_verifier_survives_its_text_form()
    {
        var verifier = ScramVerifier.Create("secret");
        ScramVerifier.TryParse(verifier.Format(), out var again).ShouldBeTrue();
        again.Format().ShouldBe(verifier.Format());
        again.Matches("secret").ShouldBeTrue();
        again.Matches("Secret").ShouldBeFalse();
    }

    [Theory]
    [InlineData("SCRAM-SHA-256$")]
    [InlineData("SCRAM-SHA-256$0:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$4096:$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("SCRAM-SHA-256$4096:c2FsdA==$AAAA:AAAA")]
    [InlineData("SCRAM-SHA-256$4096:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public void A_malformed_verifier_is_none(string text) => ScramVerifier.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void An_md5_answer_is_checked_against_the_stored_hash()
    {
        // SELECT 'md5' || md5('secret' || 'app') and its hash with the salt 01020304.
        var hash = Md5Password.Hash("secret", "app");
        hash.ShouldBe("md5" + Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData("secretapp"u8)));
        var answer = Encoding.ASCII.GetBytes(Md5Password.Answer(hash, [1, 2, 3, 4]));
        Md5Password.Matches(answer, hash, [1, 2, 3, 4]).ShouldBeTrue();
        Md5Password.Matches(answer, hash, [1, 2, 3, 5]).ShouldBeFalse();
        Md5Password.Matches([], hash, [1, 2, 3, 4]).ShouldBeFalse();
    }

    [Fact]
    public void Secrets_do_not_show_in_messages()
    {
        StoredPassword.Parse("secret").ToString().ShouldNotContain("secret");
        $"{ScramVerifier.Create("secret")}{new ScramKeys([1], [2], [3], 4)}".ShouldBe("ScramVerifierScramKeys");
    }
}
