namespace ShardProxy.Execution.Copying;

public enum CopySplitStatus
{
    /// <summary>Ready for more.</summary>
    Continue,

    /// <summary>The data said that it is complete; what follows is ignored.</summary>
    Ended,

    /// <summary>The COPY must be failed on every shard; see <see cref="CopySplitter.Error"/>.</summary>
    Failed,
}
