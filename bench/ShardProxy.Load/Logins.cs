using System.Diagnostics;
using System.Globalization;
using System.Net;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Load;

/// <summary>
/// Logging in, one query, closing, again and again. Keys of SCRAM are derived once, as drivers with a pool do it: a client
/// that derives them for each login (pgbench) spends milliseconds on that and measures mostly itself.
/// </summary>
internal static class Logins
{
    private const int InputSize = 4096;

    public static int Run(LoadTarget target, ProcessTime middle, int clients, int seconds)
    {
        ScramKeys? keys = null;
        LoadClient.Connect(target, IPAddress.Loopback, InputSize, ref keys).Dispose();
        var before = middle.Seconds;
        var watch = Stopwatch.StartNew();
        var counts = new int[clients];
        var failures = new Exception?[clients];
        var threads = new Thread[clients];
        for (var number = 0; number < clients; number++)
        {
            var slot = number;
            threads[slot] = new Thread(() => Repeat(target, keys, watch, seconds, ref counts[slot], ref failures[slot]));
            threads[slot].Start();
        }
        foreach (var thread in threads)
            thread.Join();
        if (Array.Find(failures, static failure => failure is not null) is { } first)
            throw new IOException(first.Message, first);
        var (elapsed, cpu, total) = (watch.Elapsed.TotalSeconds, middle.Seconds - before, counts.Sum());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{total / elapsed:F1} {cpu * 1e6 / Math.Max(1, total):F1}"));
        return 0;
    }

    private static void Repeat(LoadTarget target, ScramKeys? keys, Stopwatch watch, int seconds, ref int count, ref Exception? failure)
    {
        try
        {
            for (var number = 1; watch.Elapsed.TotalSeconds < seconds; number++)
            {
                using var client = LoadClient.Connect(target, IPAddress.Loopback, InputSize, ref keys);
                client.SendQuery($"SELECT abalance FROM pgbench_accounts WHERE aid = {number}");
                client.SkipTo(BackendMessageType.ReadyForQuery);
                client.Terminate();
                count++;
            }
        }
        catch (Exception thrown) when (thrown is IOException or System.Net.Sockets.SocketException or ServerRefusedException)
        {
            failure = thrown;
        }
    }
}
