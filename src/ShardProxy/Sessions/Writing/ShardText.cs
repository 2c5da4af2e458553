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
/// Composes what a shard is sent of a text: stretches of it, with edits, and values of the proxy's. Where stretches are left
/// out, so are the parameters that stand only in them, and the others are numbered anew: PostgreSQL wants as many values as
/// the text has.
/// </summary>
internal sealed class ShardText(ClientRequest request, ImmutableArray<TextEdit> edits, int offset)
{
    /// <summary>Bind counts parameters in 16 bits.</summary>
    public const int MaxParameters = 65535;

    private readonly List<byte> _sql = [];
    private readonly List<ShardParameter> _parameters = [];

    /// <summary>The types of the client's parameters; as declared, unless more is known.</summary>
    public uint[] ParameterTypes { get; init; } = request.ParameterTypes;

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

    public void Add(string text) => _sql.AddRange(Encoding.UTF8.GetBytes(text));

    /// <summary>Adds a parameter with a value of the proxy's.</summary>
    /// <param name="value">As text; null for NULL.</param>
    /// <param name="type">By the home shard's ids; 0 for the one that its use implies.</param>
    public void AddValue(byte[]? value, uint type)
    {
        _parameters.Add(new ShardParameter(0, value, type));
        AddNumber(_parameters.Count);
    }

    /// <summary>Adds rows for VALUES, each value a parameter.</summary>
    /// <param name="types">Of a row's values, as for <see cref="AddValue"/>.</param>
    /// <param name="constants">What stands behind the values in every row.</param>
    public void AddRows(IReadOnlyList<byte[]?[]> rows, uint[] types, IEnumerable<string> constants)
    {
        var tail = string.Concat(constants.Select(static constant => $", {constant}")) + ")";
        for (var row = 0; row < rows.Count; row++)
        {
            Add(row == 0 ? "(" : ", (");
            for (var column = 0; column < types.Length; column++)
            {
                if (column > 0)
                    Add(", "u8);
                AddValue(rows[row][column], types[column]);
            }
            Add(tail);
        }
    }

    /// <summary>No more rows of so many values fit into one statement beside the client's parameters.</summary>
    public static int RowsAtOnce(ClientRequest request, int width)
    {
        var own = BindMessage.TryRead(request.Bind.Span, out var bind) ? bind.ParameterCount : 0;
        return Math.Max(1, (MaxParameters - own) / Math.Max(1, width));
    }

    public ShardStatement Statement()
    {
        var hasBind = BindMessage.TryRead(request.Bind.Span, out var bind);
        if (!hasBind && _parameters.Count == 0)
            return new ShardStatement(_sql.ToArray());
        var values = new byte[]?[_parameters.Count];
        var formats = new short[values.Length];
        for (var index = 0; index < values.Length; index++)
        {
            var parameter = _parameters[index];
            if (parameter.Number == 0)
            {
                values[index] = parameter.Value;
                continue;
            }
            var number = parameter.Number - 1;
            if (!hasBind || number >= bind.ParameterCount || !bind.TryGetParameter(number, out var value, out var isNull))
                throw new SqlErrorException(SqlStates.UndefinedParameter, string.Create(CultureInfo.InvariantCulture, $"there is no parameter ${number + 1}"));
            values[index] = isNull ? null : value.ToArray();
            formats[index] = bind.ParameterFormat(number);
        }
        var body = new ByteBuffer();
        BindMessage.Write(body, [], [], formats, values, [.. request.Formats]);
        return new ShardStatement(_sql.ToArray())
        {
            Bind = body.Unread[Frame.HeaderLength..].ToArray(),
            ParameterTypes = Chosen(ParameterTypes, isOwn: true),
            NestedParameterTypes = request.NestedParameterTypes.Length == 0 ? [] : Chosen(request.NestedParameterTypes, isOwn: false),
        };
    }

    // A value of the proxy's is text, in which no object ids are translated.
    private uint[] Chosen(uint[] types, bool isOwn) =>
        [.. _parameters.Select(parameter => parameter.Number == 0 ? isOwn ? parameter.Type : 0 : parameter.Number <= types.Length ? types[parameter.Number - 1] : 0)];

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
            var known = _parameters.FindIndex(parameter => parameter.Number == number);
            if (known < 0)
            {
                known = _parameters.Count;
                _parameters.Add(new ShardParameter(number, null, 0));
            }
            AddNumber(known + 1);
            at = from + position + length;
        }
        _sql.AddRange(sql[at..to]);
    }

    private void AddNumber(int number) => _sql.AddRange(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"${number}")));

    /// <param name="Number">The client's; 0 for a value of the proxy's.</param>
    private readonly record struct ShardParameter(int Number, byte[]? Value, uint Type);
}
