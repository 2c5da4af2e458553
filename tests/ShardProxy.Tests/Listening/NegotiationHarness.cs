using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Configuration;
using ShardProxy.Listening;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Tests.Listening;

/// <summary>A negotiation at one end of a memory connection, the test at the other, and nothing runs by itself.</summary>
internal sealed class NegotiationHarness : IClientHandler
{
    private readonly LoopSignal _release;

    public NegotiationHarness(TlsConfig? tls = null, int maxClients = 100, int loginMilliseconds = 0)
    {
        Gate = new ClientGate(maxClients);
        _release = new LoopSignal(Loop);
        Negotiation = new ClientNegotiation(
            new TlsServerCredentials(tls ?? new TlsConfig(TlsMode.Disable, null, null, null)), Gate, this, NullLogger.Instance)
        {
            LoginTimeout = TimeSpan.FromMilliseconds(loginMilliseconds),
        };
        Connect();
    }

    public ManualLoop Loop { get; } = new();

    public ClientGate Gate { get; }

    public ClientNegotiation Negotiation { get; }

    public MemoryConnection Client { get; private set; } = null!;

    public MemoryConnection Server { get; private set; } = null!;

    /// <summary>Clients that were handed over.</summary>
    public List<NegotiatedClient> Clients { get; } = [];

    public List<(int ProcessId, byte[] Key)> Cancels { get; } = [];

    public MemoryConnection Connect()
    {
        var (server, client) = MemoryConnection.CreatePair(Loop);
        client.Signal = new LoopSignal(Loop);
        (Server, Client) = (server, client);
        Loop.Post(_ => Negotiation.Start(server), null);
        Loop.RunUntilIdle();
        return client;
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        Client.TrySend(bytes).ShouldBe(bytes.Length);
        Loop.RunUntilIdle();
    }

    public void Send(ByteBuffer buffer)
    {
        Send(buffer.Unread);
        buffer.Consume(buffer.Count);
    }

    public void SendStartup(int version = StartupPacket.Version30, params (string Name, string Value)[] parameters) =>
        Send(Startup(version, parameters));

    public static ByteBuffer Startup(int version, params (string Name, string Value)[] parameters)
    {
        var buffer = new ByteBuffer();
        StartupPacket.WriteStartup(buffer, version, parameters.Select(static p => KeyValuePair.Create(p.Name, p.Value)));
        return buffer;
    }

    /// <summary>What the proxy has sent, as text of one byte a character.</summary>
    public string Received() => Encoding.Latin1.GetString(Client.TakePending());

    /// <summary>The FATAL error that the proxy has sent last, with nothing before it.</summary>
    public ServerError ReceivedError()
    {
        var bytes = Client.TakePending();
        bytes.Length.ShouldBeGreaterThan(5);
        bytes[0].ShouldBe((byte)'E');
        BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(1)).ShouldBe(bytes.Length - 1);
        ErrorResponseMessage.TryRead(bytes.AsSpan(5), out var message).ShouldBeTrue();
        var error = ServerError.From(message.Fields);
        error.Severity.ShouldBe("FATAL");
        return error;
    }

    /// <summary>The connection is closed once the client goes, at the latest.</summary>
    public void ShouldClose()
    {
        Client.Dispose();
        Loop.RunUntilIdle();
        Server.IsDisposed.ShouldBeTrue();
    }

    public void EndClients()
    {
        _release.Set();
        Loop.RunUntilIdle();
    }

    async Task<IAdmittedClient?> IClientHandler.AdmitAsync(NegotiatedClient client)
    {
        Clients.Add(client);
        await client.Channel.FlushAsync();
        await _release.WaitAsync();
        return null;
    }

    Task IClientHandler.CancelAsync(int processId, ReadOnlyMemory<byte> key)
    {
        Cancels.Add((processId, key.ToArray()));
        return Task.CompletedTask;
    }
}
