using ShardProxy.Planning.Drawing;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Drawing;

/// <summary>Parameters that a prepared statement has on servers behind those that its client knows: each Bind draws values for them.</summary>
/// <param name="ClientParameters">How many the client gives.</param>
internal sealed record DrawnParameters(int ClientParameters, IReadOnlyList<DrawSlot> Slots)
{
    /// <summary>The body of the client's Bind with the values added.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ExtendAsync(Session session, ReadOnlyMemory<byte> body)
    {
        Check(body.Span);
        var values = await IdentifierDrawing.DrawAsync(session, Slots);
        return Extend(body.Span, values);
    }

    private void Check(ReadOnlySpan<byte> body)
    {
        if (!BindMessage.TryRead(body, out var bind) || bind.ParameterCount == ClientParameters)
            return;
        throw new SqlErrorException(
            SqlStates.ProtocolViolation,
            $"bind message supplies {bind.ParameterCount} parameters, but prepared statement \"{System.Text.Encoding.UTF8.GetString(bind.Statement)}\" requires {ClientParameters}");
    }

    private byte[] Extend(ReadOnlySpan<byte> body, long[] values)
    {
        if (!BindMessage.TryRead(body, out var bind))
            return body.ToArray();
        var parameters = new byte[]?[ClientParameters + values.Length];
        var formats = new short[parameters.Length];
        for (var index = 0; index < ClientParameters; index++)
        {
            formats[index] = bind.ParameterFormat(index);
            parameters[index] = bind.TryGetParameter(index, out var value, out var isNull) && !isNull ? value.ToArray() : null;
        }
        for (var slot = 0; slot < values.Length; slot++)
            parameters[ClientParameters + slot] = IdentifierDrawing.Encode(values[slot], Slots[slot].Type, binary: false);
        var results = new short[bind.ResultFormats.Count];
        for (var index = 0; index < results.Length; index++)
            results[index] = bind.ResultFormats[index];
        var frame = new ByteBuffer();
        BindMessage.Write(frame, bind.Portal, bind.Statement, formats, parameters, results);
        return frame.Unread[Frame.HeaderLength..].ToArray();
    }
}
