using System.Net.Sockets;
using ShardProxy.CommandLine;
using ShardProxy.Directory;

namespace ShardProxy.Tests.CommandLine;

public sealed class StartFailureTests
{
    public static TheoryData<Exception, string?> Failures => new()
    {
        { new SocketException((int)SocketError.AddressAlreadyInUse), "1.2.3.4:5 is in use by another program. Stop it, or use another." },
        { new SocketException((int)SocketError.AccessDenied), "This user may not listen on 1.2.3.4:5: ports below 1024 need a privilege. Get it, or use another." },
        { new SocketException((int)SocketError.AddressNotAvailable), "1.2.3.4:5 is not an address of this machine: use another." },
        { new DirectoryException("the file is locked"), "The file is locked." },
        { new DllNotFoundException("Unable to load shared library 'libpg_query.so.1504.0'"), "The library libpg_query is missing. On Debian: apt-get install libpg-query1504.0" },
        { new InvalidOperationException("a bug"), null },
    };

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public void Is_a_sentence_when_it_is_foreseen(Exception exception, string? expected) =>
        StartFailure.Describe(exception, "1.2.3.4:5", "use another").ShouldBe(expected);
}
