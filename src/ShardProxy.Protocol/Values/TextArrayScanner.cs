using System.Buffers;

namespace ShardProxy.Protocol.Values;

internal enum ArrayToken
{
    Element,
    End,
    Malformed,
}

/// <summary>Takes an array literal apart as array_in does, with the delimiter of all key types, the comma.</summary>
internal ref struct TextArrayScanner
{
    private enum Expected
    {
        /// <summary>Behind an opening brace.</summary>
        First,

        /// <summary>Behind a comma.</summary>
        Item,

        /// <summary>Behind an element or a closing brace.</summary>
        Separator,
    }

    private static readonly SearchValues<byte> Bounds = SearchValues.Create("[]:+-0123456789 "u8);

    private readonly ReadOnlySpan<byte> _text;
    private int _at;
    private int _depth;
    private Expected _expected;

    private TextArrayScanner(ReadOnlySpan<byte> text) => _text = text;

    /// <summary>Goes past the bounds ("[0:1]=") and the outermost brace.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> text, out TextArrayScanner scanner)
    {
        text = InputText.Trim(text);
        if (text.Length > 0 && text[0] == '[')
        {
            var equals = text.IndexOf((byte)'=');
            if (equals < 0 || text[..equals].ContainsAnyExcept(Bounds))
            {
                scanner = default;
                return false;
            }
            text = InputText.Trim(text[(equals + 1)..]);
        }
        scanner = new TextArrayScanner(text) { _at = 1, _depth = 1 };
        return text.Length > 0 && text[0] == '{';
    }

    /// <param name="element">As it stands in the text, without its quotes.</param>
    /// <param name="isEscaped">It has backslashes to be taken out.</param>
    public ArrayToken Next(out ReadOnlySpan<byte> element, out bool isNull, out bool isEscaped)
    {
        element = default;
        isNull = isEscaped = false;
        while (_depth > 0)
        {
            while (_at < _text.Length && InputText.IsSpace(_text[_at]))
                _at++;
            if (_at >= _text.Length)
                return ArrayToken.Malformed;
            switch (_text[_at])
            {
                case (byte)'{' when _expected != Expected.Separator:
                    _depth++;
                    _expected = Expected.First;
                    break;
                case (byte)'}' when _expected != Expected.Item:
                    _depth--;
                    _expected = Expected.Separator;
                    break;
                case (byte)',' when _expected == Expected.Separator:
                    _expected = Expected.Item;
                    break;
                case (byte)'{' or (byte)'}' or (byte)',':
                    return ArrayToken.Malformed;
                case (byte)'"' when _expected != Expected.Separator:
                    return ReadQuoted(out element, out isEscaped);
                case not (byte)'"' when _expected != Expected.Separator:
                    return ReadPlain(out element, out isNull, out isEscaped);
                default:
                    return ArrayToken.Malformed;
            }
            _at++;
        }
        return _at == _text.Length ? ArrayToken.End : ArrayToken.Malformed;
    }

    private ArrayToken ReadQuoted(out ReadOnlySpan<byte> element, out bool isEscaped)
    {
        element = default;
        isEscaped = false;
        var start = ++_at;
        for (; _at < _text.Length; _at++)
        {
            if (_text[_at] == '\\')
            {
                isEscaped = true;
                _at++;
            }
            else if (_text[_at] == '"')
            {
                element = _text[start.._at++];
                _expected = Expected.Separator;
                return ArrayToken.Element;
            }
        }
        return ArrayToken.Malformed;
    }

    private ArrayToken ReadPlain(out ReadOnlySpan<byte> element, out bool isNull, out bool isEscaped)
    {
        element = default;
        isNull = isEscaped = false;
        var start = _at;
        var end = _at;
        for (; _at < _text.Length && _text[_at] is not ((byte)',' or (byte)'}'); _at++)
        {
            if (_text[_at] is (byte)'"' or (byte)'{')
                return ArrayToken.Malformed;
            if (_text[_at] == '\\')
            {
                isEscaped = true;
                if (++_at >= _text.Length)
                    return ArrayToken.Malformed;
            }
            else if (InputText.IsSpace(_text[_at]))
            {
                // White space at the end does not belong to the element.
                continue;
            }
            end = _at + 1;
        }
        element = _text[start..end];
        isNull = !isEscaped && InputText.EqualsIgnoreCase(element, "null"u8);
        _expected = Expected.Separator;
        return ArrayToken.Element;
    }
}
