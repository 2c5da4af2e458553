using System.Text;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Load;

/// <summary>An ErrorResponse.</summary>
internal sealed class ServerRefusedException(string sqlState, string message) : Exception($"{sqlState}: {message}")
{
    /// <summary>feature_not_supported (PostgreSQL documentation, "Error Codes").</summary>
    public const string NotSupported = "0A000";

    public string SqlState { get; } = sqlState;

    public static ServerRefusedException From(ReadOnlySpan<byte> body)
    {
        if (!ErrorResponseMessage.TryRead(body, out var error))
            return new ServerRefusedException("", "An error that cannot be read.");
        error.Fields.TryGet(ErrorFieldCode.SqlState, out var state);
        error.Fields.TryGet(ErrorFieldCode.Message, out var text);
        return new ServerRefusedException(Encoding.ASCII.GetString(state), Encoding.UTF8.GetString(text));
    }
}
