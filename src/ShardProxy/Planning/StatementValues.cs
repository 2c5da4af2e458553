using ShardProxy.Protocol.Messages;
using ShardProxy.Statements;

namespace ShardProxy.Planning;

/// <summary>The values of one execution: the text's literals as the scanner found them, and the parameters from Bind or EXECUTE.</summary>
public readonly ref struct StatementValues
{
    private readonly BindMessage _bind;
    private readonly ReadOnlySpan<ArgumentValue> _arguments;
    private readonly ReadOnlySpan<uint> _parameterTypes;
    private readonly bool _hasBind;

    /// <param name="scanner">Has read <paramref name="text"/>; it need not have when no key stands in a literal.</param>
    public StatementValues(ReadOnlySpan<byte> text, ShapeScanner scanner)
    {
        Text = text;
        Scanner = scanner;
    }

    /// <param name="parameterTypes">As Parse declared them; what is missing or 0 is of the type that its use implies.</param>
    public StatementValues(ReadOnlySpan<byte> text, ShapeScanner scanner, scoped in BindMessage bind, ReadOnlySpan<uint> parameterTypes)
        : this(text, scanner)
    {
        _bind = bind;
        _hasBind = true;
        _parameterTypes = parameterTypes;
    }

    public StatementValues(ReadOnlySpan<byte> text, ShapeScanner scanner, ReadOnlySpan<ArgumentValue> arguments, ReadOnlySpan<uint> parameterTypes)
        : this(text, scanner)
    {
        _arguments = arguments;
        _parameterTypes = parameterTypes;
    }

    public ReadOnlySpan<byte> Text { get; }

    public ShapeScanner Scanner { get; }

    /// <summary>How many parameters have values here.</summary>
    public int ParameterCount => _hasBind ? _bind.ParameterCount : _arguments.Length;

    /// <param name="number">From 1.</param>
    /// <summary>Bind has no such parameter, so every server will reject it.</summary>
    public bool LacksParameter(int number) => _hasBind && number > _bind.ParameterCount;

    /// <summary>The client's encoding is not the server's: text beyond ASCII is converted by the server, and its bytes here are not the key's.</summary>
    public bool IsConverted { get; init; }

    /// <summary>The numbers of the zones in which keys are looked for; null for all.</summary>
    internal ShardSet? Zones { get; init; }

    /// <summary>The zones are those of rows that are stored: a key that is placed elsewhere must not be theirs.</summary>
    internal bool StoresZones { get; init; }

    /// <summary>Places of keys that were asked for this execution; null where nothing can be asked.</summary>
    public KeyPlaces? Places { get; init; }

    /// <returns>False when the value is not known here.</returns>
    public bool TryGetParameter(int number, out ReadOnlySpan<byte> value, out bool isNull, out bool isBinary, out uint type)
    {
        var index = number - 1;
        type = index < _parameterTypes.Length ? _parameterTypes[index] : 0;
        isBinary = false;
        isNull = false;
        value = default;
        if (_hasBind)
        {
            if (index >= _bind.ParameterCount || !_bind.TryGetParameter(index, out value, out isNull))
                return false;
            isBinary = _bind.IsBinary(index);
            return true;
        }
        if (index >= _arguments.Length || !_arguments[index].IsKnown)
            return false;
        isNull = _arguments[index].Text is null;
        value = _arguments[index].Text;
        return true;
    }
}
