using System.Text;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Pooling;

/// <summary>Opens one user's connections to one shard's server: connect, log in, see by the stamp that it is the right server.</summary>
public sealed class ServerOpener : IServerOpener
{
    private readonly ShardConfig _shard;
    private readonly LimitsConfig _limits;
    private readonly ServerCredentials _credentials;
    private readonly ServerConnector _connector;
    private readonly Func<Stamp> _stamp;

    /// <param name="stamp">What the server should carry.</param>
    public ServerOpener(ShardConfig shard, LimitsConfig limits, ServerCredentials credentials, Func<Stamp> stamp)
    {
        _shard = shard;
        _limits = limits;
        _credentials = credentials;
        _stamp = stamp;
        _connector = new ServerConnector(shard.Primary, limits.ConnectTimeout, limits.MaxMessageBytes);
    }

    /// <summary>What errors call the server.</summary>
    public string Title
    {
        get => field ?? $"shard \"{_shard.Name}\"";
        init;
    }

    public async Task<ServerConnection> OpenAsync(ServerPool pool, EventLoop loop)
    {
        try
        {
            return await OpenAsync(pool, loop, withoutTls: false);
        }
        catch (ServerOpenException refused) when (MayDoWithoutTls(refused.InnerException))
        {
            return await OpenAsync(pool, loop, withoutTls: true);
        }
    }

    // pg_hba.conf has no line for an encrypted login, or one that rejects it; as libpq does with sslmode prefer.
    private bool MayDoWithoutTls(Exception? exception) =>
        _shard.Primary.SslMode == ServerTlsMode.Prefer
        && exception is ServerLoginException { Error.SqlState: SqlStates.InvalidAuthorizationSpecification };

    private async Task<ServerConnection> OpenAsync(ServerPool pool, EventLoop loop, bool withoutTls)
    {
        FrameChannel? channel = null;
        try
        {
            channel = await _connector.ConnectAsync(loop, withoutTls);
            var binding = (channel.Connection as TlsConnection)?.EndPointHash;
            var greeting = await ServerLogin.RunAsync(channel, _credentials, _shard.Primary.Database, [], binding);
            var server = new ServerConnection(pool, channel, _limits.PreparedStatementCacheBytes)
            {
                ProcessId = greeting.ProcessId,
                CancelKey = greeting.CancelKey,
            };
            foreach (var (name, value) in greeting.Parameters)
                server.Parameters[name] = value;
            await CheckStampAsync(channel);
            // The login's signal goes: whoever gets the connection brings its own, maybe on another loop.
            channel.Connection.Signal!.Deadline = 0;
            channel.Connection.Signal = null;
            return server;
        }
        catch (Exception exception)
        {
            if (channel is not null)
            {
                channel.Connection.Signal!.Deadline = 0;
                channel.Connection.Dispose();
            }
            throw new ServerOpenException(Explain(exception), exception);
        }
    }

    public async Task CancelAsync(ServerConnection server)
    {
        server.BeginCancel();
        try
        {
            var channel = await _connector.ConnectAsync(server.Channel.Connection.Loop);
            try
            {
                StartupPacket.WriteCancelRequest(channel.Output, server.ProcessId, server.CancelKey);
                await channel.FlushAsync();
                // The server closes the connection once it has passed the request on.
                await channel.ReceiveAsync();
            }
            finally
            {
                channel.Connection.Signal!.Deadline = 0;
                channel.Connection.Dispose();
            }
        }
        catch (Exception exception) when (exception is IOException or TimeoutException or ConnectFailedException)
        {
            // A request that does not arrive is as good as one that came too late.
        }
        finally
        {
            server.EndCancel();
        }
    }

    private async Task CheckStampAsync(FrameChannel channel)
    {
        QueryMessage.Write(channel.Output, Encoding.UTF8.GetBytes(Stamp.Query));
        await channel.FlushAsync();
        string? found = null;
        while (true)
        {
            var (type, length) = await channel.PeekFrameAsync();
            found = Read(type, channel.Input.Unread[Frame.HeaderLength..length], found);
            channel.Input.Consume(length);
            if (type == BackendMessageType.ReadyForQuery)
                break;
        }
        if (_stamp().DescribeMismatch(found, _shard.Primary.ToString()) is { } mismatch)
            throw new WrongServerException(mismatch);
    }

    private static string? Read(byte type, ReadOnlySpan<byte> body, string? found) => type switch
    {
        BackendMessageType.DataRow when DataRowMessage.TryRead(body, out var row) && row.TryGetColumn(0, out var value, out var isNull) && !isNull
            => Encoding.UTF8.GetString(value),
        BackendMessageType.ErrorResponse when ErrorResponseMessage.TryRead(body, out var error)
            => throw new ServerLoginException(ServerError.From(error.Fields)),
        _ => found,
    };

    private ServerError Explain(Exception exception)
    {
        var where = $"{Title} ({_shard.Primary})";
        return exception switch
        {
            ServerLoginException refused => refused.Error with
            {
                Severity = "ERROR",
                LocalizedSeverity = null,
                Message = $"{where} refused the login of \"{_credentials.User}\": {refused.Error.Message}",
            },
            WrongServerException wrong => new ServerError(SqlStates.CannotConnect, wrong.Message)
            {
                Hint = "Correct the shard's connection string: it leads to another shard's server.",
            },
            TimeoutException => new ServerError(SqlStates.CannotConnect, $"{where} did not answer in time"),
            _ => new ServerError(SqlStates.CannotConnect, $"{where} cannot be reached: {exception.Message}")
            {
                Hint = "Statements for other shards are not affected. Look whether the server runs.",
            },
        };
    }

    private sealed class WrongServerException(string message) : Exception(message);
}
