using ShardProxy.Planning.Gathering;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>The values of one execution's parameters, as the shards' conditions have them.</summary>
/// <param name="Bind">The body of a Bind message; empty when the statement has no parameters.</param>
/// <param name="Types">As the home shard has described them.</param>
internal sealed record GatherParameters(ReadOnlyMemory<byte> Bind, uint[] Types, bool IsAlike, bool IsConverted)
{
    /// <summary>As SQL; null when a shard might not read the same value.</summary>
    public string? ValueOf(int number)
    {
        var index = number - 1;
        if (index >= Types.Length || !BindMessage.TryRead(Bind.Span, out var bind) || index >= bind.ParameterCount || !bind.TryGetParameter(index, out var value, out var isNull))
            return null;
        return ParameterText.Write(Types[index], bind.IsBinary(index), value, isNull, IsAlike, IsConverted);
    }
}
