using System.ComponentModel;
using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;
using ShardProxy.Transport.Epoll;
using ShardProxy.Transport.Sockets;
using ShardProxy.Transport.Uring;

namespace ShardProxy.Transport;

/// <summary>Makes loops of the engine asked for, or of the first that runs here: io_uring, then epoll, then .NET's sockets.</summary>
internal static class LoopFactory
{
    private static readonly TransportEngine[] BestFirst = [TransportEngine.Uring, TransportEngine.Epoll, TransportEngine.Sockets];

    /// <exception cref="EngineUnavailableException">The engine asked for cannot run here; the message says why.</exception>
    internal static ThreadLoop[] Create(TransportEngine wanted, int count, ILogger logger, out TransportEngine engine)
    {
        foreach (var candidate in wanted == TransportEngine.Auto ? BestFirst : [wanted])
        {
            try
            {
                var loops = Create(candidate, count, logger);
                engine = candidate;
                TransportLog.EngineTaken(logger, NameOf(candidate), count);
                return loops;
            }
            catch (Exception e) when (e is UringUnavailableException or PlatformNotSupportedException or Win32Exception)
            {
                if (wanted != TransportEngine.Auto)
                    throw new EngineUnavailableException($"transport.engine is {NameOf(wanted)}, which cannot run here: {e.Message}", e);
                TransportLog.EngineSkipped(logger, NameOf(candidate), e.Message);
            }
        }
        throw new EngineUnavailableException("No transport engine can run here.");
    }

    /// <summary>As in the configuration.</summary>
    internal static string NameOf(TransportEngine engine) => engine switch
    {
        TransportEngine.Uring => "io_uring",
        TransportEngine.Epoll => "epoll",
        TransportEngine.Sockets => "sockets",
        _ => "auto",
    };

    private static ThreadLoop[] Create(TransportEngine engine, int count, ILogger logger)
    {
        if (engine == TransportEngine.Uring)
        {
            if (!OperatingSystem.IsLinux())
                throw new PlatformNotSupportedException("io_uring is a part of Linux");
            UringProbe.Run();
        }
        var loops = new List<ThreadLoop>(count);
        try
        {
            for (var i = 0; i < count; i++)
                loops.Add(CreateOne(engine, i, logger));
            return [.. loops];
        }
        catch
        {
            // They have not been started, so this closes their descriptors and nothing waits.
            foreach (var loop in loops)
                _ = loop.StopAsync();
            throw;
        }
    }

    private static ThreadLoop CreateOne(TransportEngine engine, int index, ILogger logger) => engine switch
    {
        TransportEngine.Uring => new UringEventLoop(index, logger),
        TransportEngine.Epoll => new EpollEventLoop(index, logger),
        _ => new SocketsEventLoop(index, logger),
    };
}
