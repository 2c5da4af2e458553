using FsCheck;
using FsCheck.Fluent;
using ShardProxy.Configuration;

namespace ShardProxy.Tests.Configuration;

public sealed class ConnectionTargetReaderTests
{
    [Theory]
    [InlineData("host=h user=u", "h", 5432, "fallback", "u", null)]
    [InlineData("host = h  port= 1 dbname =d user=u password=p", "h", 1, "d", "u", "p")]
    [InlineData("host=h user='a b' password='it\\'s \\\\ here'", "h", 5432, "fallback", "a b", "it's \\ here")]
    [InlineData("host=h user=u password=a\\ b\\'", "h", 5432, "fallback", "u", "a b'")]
    [InlineData("host=h user=u password=''", "h", 5432, "fallback", "u", null)]
    [InlineData("host=h user=u\tpassword= dbname=d", "h", 5432, "fallback", "u", "dbname=d")]
    [InlineData("host=x host=/run/postgresql user=u", "/run/postgresql", 5432, "fallback", "u", null)]
    [InlineData("host=name hostaddr=10.0.0.1 user=u", "10.0.0.1", 5432, "fallback", "u", null)]
    [InlineData("postgres://u@h", "h", 5432, "fallback", "u", null)]
    [InlineData("postgresql://u:p@h:7/d", "h", 7, "d", "u", "p")]
    [InlineData("postgresql://u:p%40%3A%2f@h:7/d%20d", "h", 7, "d d", "u", "p@:/")]
    [InlineData("postgresql://u:p@q@h/d", "h", 5432, "d", "u", "p@q")]
    [InlineData("postgresql://u@[::1]:7/d", "::1", 7, "d", "u", null)]
    [InlineData("postgresql://u@[fe80::1]/d", "fe80::1", 5432, "d", "u", null)]
    [InlineData("postgresql://u@%2Fvar%2Frun/d", "/var/run", 5432, "d", "u", null)]
    [InlineData("postgresql:///d?host=/var/run&user=u&port=9&password=%c3%a4", "/var/run", 9, "d", "u", "ä")]
    public void Reads(string text, string host, int port, string database, string user, string? password)
    {
        var errors = new List<string>();

        var target = ConnectionTargetReader.Read(text, "fallback", errors);

        errors.ShouldBeEmpty();
        target.ShouldBe(new ConnectionTarget(host, port, database, user, password, ServerTlsMode.Prefer, null));
    }

    [Theory]
    [InlineData("sslmode=disable", ServerTlsMode.Disable, null)]
    [InlineData("sslmode=require", ServerTlsMode.Require, null)]
    [InlineData("sslmode=require sslrootcert=ca.pem", ServerTlsMode.VerifyCa, "ca.pem")]
    [InlineData("sslmode=verify-full sslrootcert=ca.pem", ServerTlsMode.VerifyFull, "ca.pem")]
    [InlineData("sslrootcert=system", ServerTlsMode.VerifyFull, null)]
    public void Reads_tls(string text, ServerTlsMode mode, string? rootCertificate)
    {
        var target = ConnectionTargetReader.Read("host=h user=u " + text, "d", []).ShouldNotBeNull();

        target.SslMode.ShouldBe(mode);
        target.SslRootCertificate.ShouldBe(rootCertificate);
    }

    [Theory]
    [InlineData("user=u", "host is missing")]
    [InlineData("host=h", "user is missing")]
    [InlineData("host=a,b user=u", "host must be one server, not a list")]
    [InlineData("host=h user=u port=0", "port must be a whole number from 1 to 65535")]
    [InlineData("host=h user=u sslmode=allow", "sslmode must be disable, prefer, require, verify-ca or verify-full")]
    [InlineData("host=h user=u sslmode=require sslrootcert=system", "sslrootcert=system needs sslmode=verify-full")]
    [InlineData("host=h user=u pasword=geheim", "the connection option pasword is not known here (did you mean password?)")]
    [InlineData("host=h user=u geheim", "an = is missing after option 3 of the connection string")]
    [InlineData("host=h user=u password='geheim", "the quoted value of the connection option password has no end")]
    [InlineData("postgres://u:geheim%4@h/d", "password in the connection URL has a % that two hexadecimal digits do not follow")]
    [InlineData("postgres://u:geheim@[::1/d", "the address in the connection URL has no closing ]")]
    [InlineData("postgres://u:geheim@[::1]x/d", "the connection URL has something other than a port after the ]")]
    [InlineData("postgres://u@h/d?geheim", "an option in the connection URL has no value")]
    public void Refuses(string text, string message)
    {
        var errors = new List<string>();

        ConnectionTargetReader.Read(text, "d", errors).ShouldBeNull();

        errors.ShouldBe([message]);
    }

    [Fact]
    public void Keeps_the_password_out_of_its_text() =>
        ConnectionTargetReader.Read("postgres://u:geheim@h/d", "d", []).ShouldNotBeNull().ToString().ShouldBe("h:5432/d");

    [Fact]
    public void Reads_back_whatever_is_quoted() => Check.One(
        Config.QuickThrowOnFailure.WithReplay(20, 1),
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), static value =>
        {
            var quoted = value.Get.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal);
            var target = ConnectionTargetReader.Read($"host=h user='x{quoted}'", "d", []);
            return target?.User == "x" + value.Get;
        }));
}
