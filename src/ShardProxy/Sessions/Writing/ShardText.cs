using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Statements;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Composes what a shard is sent of a text: stretches of it, with edits. Where stretches are left out, so are the
/// parameters that stand only in them, and the others are numbered anew: PostgreSQL wants as many values as the text has.
/// </summary>
internal sealed class ShardText(ClientRequest request, ImmutableArray<TextEdit> edits, int offset)
{
    private readonly List<byte> _sql = [];
    private readonly List<int> _parameters = [];

    /// <param name="start">Byte offset in the client's whole text.</param>
    public void Add(int start, int end)
    {
        var at = start;
        foreach (var edit in edits)
        {
            if (edit.Start < at || edit.End > end)
                continue;
            AddTokens(at, edit.Start);
            _sql.AddRange(Encoding.UTF8.GetBytes(edit.Text));
            at = edit.End;
        }
        AddTokens(at, end);
    }

    public void Add(ReadOnlySpan<byte> text) => _sql.AddRange(text);

    public ShardStatement Statement()
    {
        if (!BindMessage.TryRead(request.Bind.Span, out var bind))
            return new ShardStatement(_sql.ToArray());
        var values = new byte[]?[_parameters.Count];
        var formats = new short[values.Length];
        for (var index = 0; index < values.Length; index++)
        {
            var number = _parameters[index] - 1;
            if (number >= bind.ParameterCount || !bind.TryGetParameter(number, out var value, out var isNull))
                throw new SqlErrorException(SqlStates.UndefinedParameter, string.Create(CultureInfo.InvariantCulture, $"there is no parameter ${number + 1}"));
            values[index] = isNull ? null : value.ToArray();
            formats[index] = bind.ParameterFormat(number);
        }
        var body = new ByteBuffer();
        BindMessage.Write(body, [], [], formats, values, [.. request.Formats]);
        return new ShardStatement(_sql.ToArray())
        {
            Bind = body.Unread[Frame.HeaderLength..].ToArray(),
            ParameterTypes = Chosen(request.ParameterTypes),
            NestedParameterTypes = request.NestedParameterTypes.Length == 0 ? [] : Chosen(request.NestedParameterTypes),
        };
    }

    private uint[] Chosen(uint[] types) => [.. _parameters.Select(number => number <= types.Length ? types[number - 1] : 0)];

    // Copies a stretch, and numbers its parameters.
    private void AddTokens(int start, int end)
    {
        var sql = request.Sql.Span;
        var (from, to) = (start - offset, end - offset);
        if (request.Bind.IsEmpty || sql[from..to].IndexOf((byte)'$') < 0)
        {
            _sql.AddRange(sql[from..to]);
            return;
        }
        var at = from;
        foreach (var (position, length, number) in ParameterTokens.Find(sql[from..to].ToArray()))
        {
            _sql.AddRange(sql[at..(from + position)]);
            var known = _parameters.IndexOf(number);
            if (known < 0)
            {
                known = _parameters.Count;
                _parameters.Add(number);
            }
            _sql.AddRange(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"${known + 1}")));
            at = from + position + length;
        }
        _sql.AddRange(sql[at..to]);
    }
}
