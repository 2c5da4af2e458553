namespace ShardProxy.Configuration;

/// <summary>Reads <c>transport</c>.</summary>
internal static class TransportSection
{
    /// <summary>Each is a thread; more than processors only take time from each other.</summary>
    private const int MaxLoops = 1024;

    public static TransportConfig Read(Section section)
    {
        using var _ = section;
        var engine = section.Choice(
            "engine",
            TransportEngine.Auto,
            ("auto", TransportEngine.Auto),
            ("io_uring", TransportEngine.Uring),
            ("epoll", TransportEngine.Epoll),
            ("sockets", TransportEngine.Sockets));
        var placement = section.Choice(
            "placement",
            SessionPlacement.Auto,
            ("auto", SessionPlacement.Auto),
            ("fixed", SessionPlacement.Fixed),
            ("restless", SessionPlacement.Restless));
        return new TransportConfig(engine, section.Number("loops", 0, 0, MaxLoops), placement);
    }
}
