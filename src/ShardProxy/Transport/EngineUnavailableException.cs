namespace ShardProxy.Transport;

/// <summary>The configuration asks for a transport engine that cannot run on this machine.</summary>
public sealed class EngineUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
