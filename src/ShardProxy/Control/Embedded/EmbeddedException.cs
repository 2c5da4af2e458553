namespace ShardProxy.Control.Embedded;

/// <summary>The embedded cluster cannot go on; the message is a plain sentence for the person at the terminal.</summary>
public sealed class EmbeddedException : Exception
{
    public EmbeddedException(string message)
        : base(message)
    {
    }

    public EmbeddedException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
