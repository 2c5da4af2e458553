using System.Collections.Frozen;

namespace ShardProxy.Protocol.Authentication.Unicode;

/// <summary>
/// The Unicode properties that SASLprep asks for, read from a resource when the first password outside ASCII comes.
/// tools/generate-unicode-tables.py writes it and describes its layout.
/// </summary>
internal sealed class UnicodeTables
{
    private static readonly Lazy<UnicodeTables> Shared = new(Load);

    private readonly (int Start, int End, int Class)[] _classes;
    private readonly FrozenDictionary<int, int[]> _decompositions;
    private readonly FrozenDictionary<(int, int), int> _compositions;

    private UnicodeTables(BinaryReader reader)
    {
        NonAsciiSpaces = new CodePointSet(reader);
        MappedToNothing = new CodePointSet(reader);
        Prohibited = new CodePointSet(reader);
        RightToLeft = new CodePointSet(reader);
        LeftToRight = new CodePointSet(reader);

        _classes = new (int, int, int)[reader.Read7BitEncodedInt()];
        for (var i = 0; i < _classes.Length; i++)
            _classes[i] = (reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt());
        _decompositions = ReadDecompositions(reader).ToFrozenDictionary();
        _compositions = ReadCompositions(reader).ToFrozenDictionary();
    }

    public static UnicodeTables Instance => Shared.Value;

    /// <summary>RFC 3454 table C.1.2.</summary>
    public CodePointSet NonAsciiSpaces { get; }

    /// <summary>RFC 3454 table B.1.</summary>
    public CodePointSet MappedToNothing { get; }

    /// <summary>RFC 3454 tables C.1.2, C.2.1, C.2.2, C.3 to C.9, and A.1 (unassigned in Unicode 3.2).</summary>
    public CodePointSet Prohibited { get; }

    /// <summary>RFC 3454 table D.1.</summary>
    public CodePointSet RightToLeft { get; }

    /// <summary>RFC 3454 table D.2.</summary>
    public CodePointSet LeftToRight { get; }

    /// <summary>The full compatibility decomposition; null when the code point is its own. Hangul is not in it.</summary>
    public int[]? Decompose(int codePoint) => _decompositions.GetValueOrDefault(codePoint);

    /// <summary>The primary composite of two code points, or 0. Hangul is not in it.</summary>
    public int Compose(int first, int second) => _compositions.GetValueOrDefault((first, second));

    /// <summary>Canonical combining class; 0 for starters.</summary>
    public int CombiningClass(int codePoint)
    {
        var low = 0;
        var high = _classes.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var (start, end, combiningClass) = _classes[middle];
            if (codePoint < start)
                high = middle - 1;
            else if (codePoint > end)
                low = middle + 1;
            else
                return combiningClass;
        }
        return 0;
    }

    private static UnicodeTables Load()
    {
        using var stream = typeof(UnicodeTables).Assembly.GetManifestResourceStream("ShardProxy.Protocol.Unicode")
            ?? throw new InvalidOperationException("The Unicode tables are missing from the assembly.");
        using var reader = new BinaryReader(stream);
        return new UnicodeTables(reader);
    }

    private static Dictionary<int, int[]> ReadDecompositions(BinaryReader reader)
    {
        var count = reader.Read7BitEncodedInt();
        var decompositions = new Dictionary<int, int[]>(count);
        for (var i = 0; i < count; i++)
        {
            var codePoint = reader.Read7BitEncodedInt();
            var parts = new int[reader.Read7BitEncodedInt()];
            for (var part = 0; part < parts.Length; part++)
                parts[part] = reader.Read7BitEncodedInt();
            decompositions.Add(codePoint, parts);
        }
        return decompositions;
    }

    private static Dictionary<(int, int), int> ReadCompositions(BinaryReader reader)
    {
        var count = reader.Read7BitEncodedInt();
        var compositions = new Dictionary<(int, int), int>(count);
        for (var i = 0; i < count; i++)
            compositions.Add((reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt()), reader.Read7BitEncodedInt());
        return compositions;
    }
}
