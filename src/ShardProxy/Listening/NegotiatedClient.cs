using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Listening;

/// <summary>A client that said who it is and is yet to prove it.</summary>
/// <param name="Channel">May hold a NegotiateProtocolVersion message, to be flushed with the first answer.</param>
/// <param name="ProtocolVersion">Agreed: major in the upper 16 bits, at most <see cref="StartupPacket.Version32"/>.</param>
/// <param name="Database">As asked for; the user's name when none was.</param>
/// <param name="Settings">Run-time parameters in the order in which they apply, a later one winning: those of "options", then the packet's own.</param>
/// <param name="Tls">The connection, when it is encrypted.</param>
public sealed record NegotiatedClient(
    FrameChannel Channel,
    int ProtocolVersion,
    string User,
    string Database,
    IReadOnlyList<KeyValuePair<string, string>> Settings,
    TlsConnection? Tls)
{
    /// <summary>Bytes of the cancel key to give it: 4 before protocol 3.2, then 32 as PostgreSQL 18 does.</summary>
    public int CancelKeyLength => ProtocolVersion >= StartupPacket.Version32 ? 32 : 4;
}
