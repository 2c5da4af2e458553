using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Pooling;

/// <summary>Opens a connection when the test says so; the other end of each is kept.</summary>
internal sealed class ManualOpener : IServerOpener
{
    private readonly List<(TaskCompletionSource<ServerConnection> Completion, ServerPool Pool, EventLoop Loop)> _pending = [];

    public int PendingCount => _pending.Count;

    /// <summary>Connections opened and not disposed.</summary>
    public List<(ServerConnection Server, MemoryConnection Connection, MemoryConnection Far)> Opened { get; } = [];

    public Task<ServerConnection> OpenAsync(ServerPool pool, EventLoop loop)
    {
        var completion = new TaskCompletionSource<ServerConnection>();
        _pending.Add((completion, pool, loop));
        return completion.Task;
    }

    public Task CancelAsync(ServerConnection server) => Task.CompletedTask;

    public ServerConnection Succeed()
    {
        var (completion, pool, loop) = _pending[0];
        _pending.RemoveAt(0);
        var (near, far) = MemoryConnection.CreatePair(loop);
        var server = new ServerConnection(pool, new FrameChannel(near, 1 << 20), preparedStatementBytes: 1 << 20);
        Opened.Add((server, near, far));
        completion.SetResult(server);
        return server;
    }

    public void Fail(Exception? exception = null)
    {
        var completion = _pending[0].Completion;
        _pending.RemoveAt(0);
        completion.SetException(exception ?? new ServerOpenException(new ServerError(SqlStates.CannotConnect, "no server")));
    }
}
