using System.Diagnostics;
using System.Globalization;
using System.Net;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Load;

/// <summary>One large result, or one large COPY.</summary>
internal static class Transfers
{
    private const int InputSize = 1 << 20;

    public static int Read(LoadTarget target, ProcessTime middle, string sql)
    {
        ScramKeys? keys = null;
        using var client = LoadClient.Connect(target, IPAddress.Loopback, InputSize, ref keys);
        var (rows, bytes, before, watch) = (0L, 0L, middle.Seconds, Stopwatch.StartNew());
        client.SendQuery(sql);
        byte type;
        while ((type = client.Next()) != BackendMessageType.ReadyForQuery)
        {
            if (type is not (BackendMessageType.DataRow or BackendMessageType.CopyData))
                continue;
            rows++;
            bytes += client.Body.Length;
        }
        Report(watch, middle.Seconds - before, rows, bytes);
        return 0;
    }

    public static int Write(LoadTarget target, ProcessTime middle, string table, int rows)
    {
        var pieces = CopyRows.Create(rows);
        ScramKeys? keys = null;
        using var client = LoadClient.Connect(target, IPAddress.Loopback, InputSize, ref keys);
        var (before, watch) = (middle.Seconds, Stopwatch.StartNew());
        client.SendQuery($"COPY {table} FROM STDIN");
        client.SkipTo(BackendMessageType.CopyInResponse);
        var bytes = 0L;
        foreach (var piece in pieces)
        {
            client.Send(piece);
            bytes += piece.Length;
        }
        client.SkipTo(BackendMessageType.ReadyForQuery);
        Report(watch, middle.Seconds - before, rows, bytes);
        return 0;
    }

    private static void Report(Stopwatch watch, double cpu, long rows, long bytes) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:F4} {cpu:F2} {rows} {bytes}"));
}
