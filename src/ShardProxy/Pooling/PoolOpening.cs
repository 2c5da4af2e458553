using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Pooling;

/// <summary>One attempt to open a connection for a pool. It always answers: its place among the openings is never lost.</summary>
internal sealed class PoolOpening(ServerPool pool, EventLoop loop)
{
    private const long RetryMilliseconds = 200;

    public async Task RunAsync()
    {
        ServerError error;
        try
        {
            pool.Opened(await pool.Opener.OpenAsync(pool, loop));
            return;
        }
        catch (ServerOpenException exception)
        {
            error = exception.Error;
        }
        catch (Exception exception)
        {
            error = new ServerError(SqlStates.CannotConnect, $"no connection to shard \"{pool.ShardName}\" could be opened: {exception.Message}");
        }
        if (!pool.OpeningFailed(error))
            return;
        var pause = new LoopSignal(loop) { Deadline = Environment.TickCount64 + RetryMilliseconds };
        while (!pause.DeadlinePassed)
            await pause.WaitAsync();
        pause.Deadline = 0;
        pool.RetryOpening();
    }
}
