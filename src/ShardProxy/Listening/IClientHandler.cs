namespace ShardProxy.Listening;

/// <summary>What becomes of a connection whose start-up has been settled.</summary>
public interface IClientHandler
{
    /// <summary>
    /// Authenticates the client and greets it, on the loop of its connection. The connection's signal carries the login's
    /// deadline: clear it when the login is over. When the client has been served, the connection is closed, what stands in the
    /// channel's output having been sent.
    /// </summary>
    /// <returns>What serves the client from then on; null when that is over already.</returns>
    /// <exception cref="ClientRefusedException">The client is told why.</exception>
    Task<IAdmittedClient?> AdmitAsync(NegotiatedClient client);

    /// <summary>Someone wants to cancel what a session runs. Nothing is ever answered; the connection is closed on return.</summary>
    /// <param name="key">What the session's BackendKeyData said, or an attempt to guess it.</param>
    Task CancelAsync(int processId, ReadOnlyMemory<byte> key);
}
