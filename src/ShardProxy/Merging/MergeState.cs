namespace ShardProxy.Merging;

/// <summary>Why <see cref="RowMerge.Pump"/> came back.</summary>
public enum MergeState
{
    /// <summary>A source said <see cref="RowState.Pending"/>: wait until one of those that did can go on.</summary>
    WantRows,

    /// <summary>The output has as many bytes as it may: send some of them first.</summary>
    WantRoom,

    /// <summary>As many rows as asked for were written; there may be more.</summary>
    Suspended,

    /// <summary>The last row was written. Sources that have not ended are not needed any more: cancel them.</summary>
    Done,
}
