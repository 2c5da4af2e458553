namespace ShardProxy.Execution.Copying;

/// <summary>What stands at the front of a COPY's data.</summary>
internal enum CopyCut
{
    /// <summary>The row goes on in data that has not arrived.</summary>
    Incomplete,

    /// <summary>A row: it goes to the shard that owns its key.</summary>
    Row,

    /// <summary>A header line, or the binary format's prologue: every shard gets it.</summary>
    Preamble,

    /// <summary>The binary format's trailer: every shard gets it, and nothing may follow.</summary>
    Trailer,

    /// <summary>The marker \. alone on a line: no shard gets it, and what follows is ignored, as PostgreSQL does.</summary>
    EndMarker,

    /// <summary>PostgreSQL would reject the data here; see <see cref="CopyRowScanner.Problem"/>.</summary>
    Malformed,
}

/// <summary>What a row has in its key column.</summary>
internal enum CopyKeyState
{
    Value,
    Null,

    /// <summary>The text that the option DEFAULT names: only PostgreSQL could tell the value.</summary>
    Default,

    /// <summary>The row has fewer columns.</summary>
    Missing,
}
