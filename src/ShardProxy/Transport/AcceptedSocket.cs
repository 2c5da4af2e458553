using System.Net.Sockets;

namespace ShardProxy.Transport;

/// <summary>A client that was accepted and is on its way to its loop: a descriptor, or a socket of .NET's, by the engine.</summary>
/// <param name="Name">The peer's address and port.</param>
internal readonly record struct AcceptedSocket(int Descriptor, Socket? Socket, string Name);
