using System.Net;
using ShardProxy.Protocol.Authentication;

namespace ShardProxy.Load;

/// <summary>Clients that are logged in and do nothing.</summary>
internal static class IdleClients
{
    /// <summary>What one local address is asked for; the kernel has some 28,000 ports for each by default.</summary>
    private const int ClientsPerAddress = 10_000;

    private const int InputSize = 4096;

    public static int Run(LoadTarget target, int count)
    {
        ScramKeys? keys = null;
        var clients = new List<LoadClient>(count);
        for (var number = 0; number < count; number++)
        {
            var source = new IPAddress([127, 0, 0, (byte)(2 + (number / ClientsPerAddress))]);
            var client = LoadClient.Connect(target, source, InputSize, ref keys);
            client.StopReading();
            clients.Add(client);
        }
        Console.WriteLine("ready");
        while (Console.In.Read() >= 0)
        {
        }
        foreach (var client in clients)
            client.Dispose();
        return 0;
    }
}
