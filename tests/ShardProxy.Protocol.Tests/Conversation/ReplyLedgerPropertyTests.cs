using FsCheck;
using FsCheck.Fluent;
using ShardProxy.Protocol.Conversation;

namespace ShardProxy.Protocol.Tests.Conversation;

/// <summary>
/// Plays random pipelines against a model of a server that keeps the whole script in a list and, as PostgreSQL does,
/// skips to the next Sync after an error. What the ledger forwards and makes up must be what the model says.
/// </summary>
public sealed class ReplyLedgerPropertyTests
{
    private static readonly ReplyKind[] Kinds = Enum.GetValues<ReplyKind>();

    private sealed record Request(ReplyKind Kind, Disposition Disposition, bool Fails, int Variant);

    [Fact]
    public void The_client_sees_what_the_model_says()
    {
        Gen<Request> request =
            from kind in Gen.Elements(Kinds)
            from disposition in Gen.Frequency((6, Gen.Constant(Disposition.Forward)), (2, Gen.Constant(Disposition.Swallow)), (2, Gen.Constant(Disposition.MakeUp)))
            from fails in Gen.Frequency((5, Gen.Constant(false)), (1, Gen.Constant(true)))
            from variant in Gen.Choose(0, 5)
                // Only the extended messages without a result are ever made up.
            select new Request(kind, kind is ReplyKind.Parse or ReplyKind.Bind or ReplyKind.Close ? disposition : disposition == Disposition.MakeUp ? Disposition.Forward : disposition, fails, variant);
        Seeded.Check(
            Prop.ForAll(
                Arb.From(request.ArrayOf()),
                Arb.From(Gen.Choose(1, 10)),
                (requests, window) =>
                {
                    requests = [.. requests, new Request(ReplyKind.Sync, Disposition.Forward, false, 0)];
                    Run(requests, window).ShouldBe(Model(requests));
                }),
            2_000);
    }

    // Sends at most `window` requests ahead of the replies, so that some errors arrive before the Sync was sent.
    private static string Run(Request[] requests, int window)
    {
        var ledger = new ReplyLedger();
        var seen = "";
        var served = 0;
        var skipping = false;
        for (var sent = 0; sent < requests.Length; sent++)
        {
            ledger.Expect(requests[sent].Kind, requests[sent].Disposition);
            TakeMadeUp(ledger, ref seen);
            if (sent + 1 - served >= window || sent == requests.Length - 1)
            {
                for (; served <= sent; served++)
                    Serve(ledger, requests[served], ref skipping, ref seen);
            }
        }
        ledger.IsEmpty.ShouldBeTrue();
        ledger.IsSkipping.ShouldBeFalse();
        return seen;
    }

    private static void Serve(ReplyLedger ledger, Request request, ref bool skipping, ref string seen)
    {
        if (request.Kind == ReplyKind.Sync)
            skipping = false;
        if (skipping || request.Disposition == Disposition.MakeUp)
            return;
        foreach (var type in Reply(request))
        {
            var fate = ledger.OnMessage((byte)type);
            fate.ShouldNotBe(Disposition.Violation);
            // Whether an error is swallowed depends on its batch; the model cannot say it before the Sync is sent.
            seen += type == 'E' && IsExtended(request.Kind) ? "E" : fate == Disposition.Forward ? type : "";
            TakeMadeUp(ledger, ref seen);
        }
        skipping = request.Fails && IsExtended(request.Kind);
    }

    private static string Model(Request[] requests)
    {
        var seen = "";
        var skipping = false;
        foreach (var request in requests)
        {
            if (request.Kind == ReplyKind.Sync)
                skipping = false;
            if (skipping)
                continue;
            if (request.Disposition == Disposition.MakeUp)
            {
                seen += char.ToLowerInvariant(request.Kind.ToString()[0]);
                continue;
            }
            foreach (var type in Reply(request))
                seen += (type == 'E' && IsExtended(request.Kind)) || request.Disposition == Disposition.Forward ? type : "";
            skipping = request.Fails && IsExtended(request.Kind);
        }
        return seen;
    }

    private static void TakeMadeUp(ReplyLedger ledger, ref string seen)
    {
        while (ledger.TryTakeMadeUp(out var kind))
            seen += char.ToLowerInvariant(kind.ToString()[0]);
    }

    private static bool IsExtended(ReplyKind kind) => kind is not (ReplyKind.Query or ReplyKind.FunctionCall or ReplyKind.Sync);

    private static string Reply(Request request) => request.Kind switch
    {
        ReplyKind.Sync => "Z",
        ReplyKind.Query => request.Fails ? "TDEZ" : "TDDCIZ",
        ReplyKind.FunctionCall => request.Fails ? "EZ" : "VZ",
        _ when request.Fails => request.Kind == ReplyKind.Execute && request.Variant > 2 ? "DDE" : "E",
        ReplyKind.Parse => "1",
        ReplyKind.Bind => "2",
        ReplyKind.Close => "3",
        ReplyKind.DescribeStatement => request.Variant > 2 ? "tT" : "tn",
        ReplyKind.DescribePortal => request.Variant > 2 ? "T" : "n",
        _ => request.Variant switch { 0 => "I", 1 => "DDs", 2 => "HddcC", _ => "DDC" },
    };
}
