using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Login;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Sessions.Login;

/// <summary>The proxy's two roles in a login, put face to face: ServerLogin logs in to ClientAuthenticator.</summary>
internal sealed class LoginPair
{
    private readonly ManualLoop _loop = new();
    private Task<AuthenticatedUser>? _accepted;

    public LoginPair()
    {
        var (client, server) = MemoryConnection.CreatePair(_loop);
        client.Watch();
        server.Watch();
        // Messages arrive in pieces, as they may.
        client.MaxPerCall = server.MaxPerCall = 7;
        Client = new FrameChannel(client, 1 << 20);
        Server = new FrameChannel(server, 1 << 20);
    }

    public FrameChannel Client { get; }

    public FrameChannel Server { get; }

    /// <summary>Who was let in; throws what the authenticator threw.</summary>
    public AuthenticatedUser Accepted => _accepted!.GetAwaiter().GetResult();

    /// <summary>Both sides run until nothing moves; the results, or the exceptions, are in the tasks.</summary>
    public Task<ServerGreeting> Run(
        ServerCredentials credentials,
        ClientAuthenticator authenticator,
        byte[]? clientBinding = null,
        byte[]? serverBinding = null)
    {
        _accepted = _loop.Start(() => ServeAsync(authenticator, serverBinding));
        var login = _loop.Start(() => ServerLogin.RunAsync(Client, credentials, "shop", [new("application_name", "test")], clientBinding));
        _loop.RunUntilIdle();
        return login;
    }

    /// <summary>The result of what has come to its end; throws what it threw.</summary>
    public static T Outcome<T>(Task<T> task)
    {
        task.IsCompleted.ShouldBeTrue("it waits although nothing is left to run");
        return task.GetAwaiter().GetResult();
    }

    public Task<T> Start<T>(Func<Task<T>> work) => _loop.Start(work);

    private async Task<AuthenticatedUser> ServeAsync(ClientAuthenticator authenticator, byte[]? binding)
    {
        int length;
        while (StartupPacket.TryRead(Server.Input.Unread, out _, out length) != FrameStatus.Complete)
            await Server.ReceiveAsync();
        StartupPacket.TryRead(Server.Input.Unread, out var packet, out _);
        var user = packet.Parameters.ToList().Single(static pair => pair.Key == "user").Value;
        Server.Input.Consume(length);
        try
        {
            var accepted = await authenticator.AuthenticateAsync(Server, user, binding, CancellationToken.None);
            ParameterStatusMessage.Write(Server.Output, "server_version", "15.18");
            BackendKeyDataMessage.Write(Server.Output, 4711, [1, 2, 3, 4]);
            ReadyForQueryMessage.Write(Server.Output, TransactionStatus.Idle);
            await Server.FlushAsync();
            return accepted;
        }
        catch (ClientLoginException e)
        {
            e.Error.WriteError(Server.Output);
            await Server.FlushAsync();
            throw;
        }
    }
}
