namespace ShardProxy.Pooling;

/// <summary>What a server said of itself and of the session up to its first ReadyForQuery.</summary>
/// <param name="ProcessId">Of the backend; 0 when the server sent no key (then nothing there can be cancelled).</param>
/// <param name="Parameters">ParameterStatus in the order of arrival.</param>
public sealed record ServerGreeting(int ProcessId, byte[] CancelKey, IReadOnlyList<KeyValuePair<string, string>> Parameters);
