namespace ShardProxy.Merging;

/// <summary>What one execution adds to a <see cref="Planning.Merging.MergeSpec"/>.</summary>
public sealed record MergeBinding
{
    /// <summary>Format codes of the client's result columns as in Bind: none is all text, one is for all, or one each.</summary>
    public IReadOnlyList<short> Formats { get; init; } = [];

    /// <summary>Null: no limit (also LIMIT NULL and LIMIT ALL).</summary>
    public long? Limit { get; init; }

    public long Offset { get; init; }

    /// <summary>Bytes of rows that the merge may keep; what goes beyond fails with SQLSTATE 54000.</summary>
    public required long MaxBytes { get; init; }

    /// <summary>The session's extra_float_digits, for floats that are computed here and sent as text.</summary>
    public int ExtraFloatDigits { get; init; } = 1;

    /// <summary>Whether a column of the client's result is binary.</summary>
    public bool IsBinary(int resultColumn) => resultColumn < 0 || Formats.Count switch
    {
        0 => false,
        1 => Formats[0] == 1,
        _ => resultColumn < Formats.Count && Formats[resultColumn] == 1,
    };
}
