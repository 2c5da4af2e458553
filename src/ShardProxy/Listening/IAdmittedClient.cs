namespace ShardProxy.Listening;

/// <summary>
/// A client that is in. Apart from its admission, so that nothing of that is held while it is served, which may be for days.
/// </summary>
public interface IAdmittedClient
{
    /// <summary>Serves it to its end, on the loop of its connection. Called once.</summary>
    Task ServeAsync();

    /// <summary>It is served no more; what stands in the channel's output is still sent to it.</summary>
    /// <param name="failure">What <see cref="ServeAsync"/> threw.</param>
    /// <returns>Whether the client may still read: false when it has taken its leave itself.</returns>
    bool Leave(Exception? failure);
}
