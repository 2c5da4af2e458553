using ShardProxy.Control.Embedded;

namespace ShardProxy.Tests.Control.Embedded;

public sealed class PostgresProgramsTests
{
    [Theory]
    [InlineData("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", 15)]
    [InlineData("postgres (PostgreSQL) 18beta1\n", 18)]
    [InlineData("postgres 9\n", null)]
    [InlineData("postgres (PostgreSQL) devel\n", null)]
    public void Reads_the_version(string line, int? major) => PostgresPrograms.ReadMajor(line).ShouldBe(major);
}
