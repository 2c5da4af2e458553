namespace ShardProxy.Protocol.Authentication.Unicode;

/// <summary>A set of code points as sorted ranges.</summary>
internal sealed class CodePointSet
{
    private readonly int[] _starts;
    private readonly int[] _ends;

    /// <summary>Reads a count and the ranges as distances: from the last end to the start, and from the start to the end.</summary>
    public CodePointSet(BinaryReader reader)
    {
        _starts = new int[reader.Read7BitEncodedInt()];
        _ends = new int[_starts.Length];
        var last = 0;
        for (var i = 0; i < _starts.Length; i++)
        {
            _starts[i] = last + reader.Read7BitEncodedInt();
            last = _ends[i] = _starts[i] + reader.Read7BitEncodedInt();
        }
    }

    public bool Contains(int codePoint)
    {
        var index = Array.BinarySearch(_starts, codePoint);
        if (index >= 0)
            return true;
        // The complement is the first start above the code point; the range before it may reach over it.
        var before = ~index - 1;
        return before >= 0 && codePoint <= _ends[before];
    }
}
