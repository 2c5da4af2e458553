using System.Text;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Wire;

/// <summary>
/// Says the same to the reference and to the subject and compares every message that comes back: rows, columns, tags,
/// errors with their fields, transaction status, and their order.
/// </summary>
public sealed class Differential(Lab lab)
{
    /// <summary>Runs the scripts one after another, on one new connection each side.</summary>
    public async Task SameAsync(params FrontendScript[] scripts)
    {
        var expected = await TranscriptAsync(lab.Reference, scripts);
        var actual = await TranscriptAsync(lab.Subject, scripts);
        if (!expected.SequenceEqual(actual))
            Assert.Fail(Compare(expected, actual));
    }

    /// <summary>
    /// As <see cref="SameAsync(FrontendScript[])"/>, but without what may differ without harm: which error a message
    /// gets in a block that has failed already. True when the subject refused something:
    /// from there on the two may stand differently, and nothing is compared.
    /// </summary>
    public async Task<bool> SameInEssenceAsync(params FrontendScript[] scripts)
    {
        var expected = await TranscriptAsync(lab.Reference, scripts);
        var actual = await TranscriptAsync(lab.Subject, scripts);
        if (!expected.Any(IsRefusal) && actual.Any(IsRefusal))
            return true;
        expected = Essence(expected);
        actual = Essence(actual);
        if (!expected.SequenceEqual(actual))
            Assert.Fail(Compare(expected, actual));
        return false;
    }

    /// <summary>Each text as one simple query.</summary>
    public Task SameAsync(params string[] texts) => SameAsync([.. texts.Select(static text => new FrontendScript().Query(text))]);

    /// <summary>The statements as simple queries, then in the extended protocol with text and with binary results.</summary>
    public async Task SameInAllProtocolsAsync(params string[] statements)
    {
        await SameAsync(statements);
        foreach (var format in (short[])[0, 1])
            await SameAsync([.. statements.Select(text => new FrontendScript().Run(text, resultFormat: format).Sync())]);
    }

    /// <summary>
    /// The one promise for every statement: the subject's answer is the reference's, or the refusal 0A000 with a hint.
    /// Rows are compared as a set when <paramref name="ordered"/> is false. True when it was refused.
    /// </summary>
    public async Task<bool> RightOrRefusedAsync(string statement, bool ordered = false)
    {
        var actual = await RunOnceAsync(lab.Subject, statement);
        if (actual.FirstOrDefault(static message => message.Type == 'E') is { SqlState: "0A000" } refusal)
        {
            refusal.Fields.ContainsKey('H').ShouldBeTrue($"{statement}: refused without a hint: {refusal}");
            return true;
        }
        var expected = await RunOnceAsync(lab.Reference, statement);
        // An error found by the proxy may say it in other words than the server.
        if (SqlState(expected) is { } wanted && SqlState(actual) == wanted)
            return false;
        var left = Lines(expected, ordered);
        var right = Lines(actual, ordered);
        if (!left.SequenceEqual(right))
            Assert.Fail(statement + "\n" + Compare(left, right));
        return false;
    }

    private static bool IsRefusal(string line) =>
        line.StartsWith("Error", StringComparison.Ordinal) && line.Contains("C=0A000", StringComparison.Ordinal) && line.Contains(", H=", StringComparison.Ordinal);

    private static List<string> Essence(List<string> transcript)
    {
        var kept = new List<string>();
        var failed = false;
        foreach (var line in transcript)
        {
            var status = line.StartsWith("ReadyForQuery", StringComparison.Ordinal);
            var mark = line.StartsWith("-- ", StringComparison.Ordinal);
            if (!failed || status || mark || line.StartsWith("ParameterStatus", StringComparison.Ordinal))
                kept.Add(line);
            if (status)
                failed = line.EndsWith('E');
        }
        return kept;
    }

    private static string? SqlState(List<WireMessage> messages) => messages.FirstOrDefault(static message => message.Type == 'E')?.SqlState;

    private static List<string> Lines(List<WireMessage> messages, bool ordered)
    {
        var lines = messages.Select(static message => message.ToString()).ToList();
        if (!ordered)
            lines.Sort(string.CompareOrdinal);
        return lines;
    }

    private static async Task<List<WireMessage>> RunOnceAsync(Endpoint endpoint, string statement)
    {
        await using var client = await WireClient.ConnectAsync(endpoint);
        return await client.QueryAsync(statement);
    }

    private static async Task<List<string>> TranscriptAsync(Endpoint endpoint, FrontendScript[] scripts)
    {
        await using var client = await WireClient.ConnectAsync(endpoint);
        var transcript = new List<string>();
        for (var index = 0; index < scripts.Length; index++)
        {
            transcript.Add($"-- {index + 1}");
            foreach (var message in await client.RunAsync(scripts[index]))
                transcript.Add(message.ToString());
        }
        return transcript;
    }

    private static string Compare(List<string> expected, List<string> actual)
    {
        var text = new StringBuilder("The answers differ (- the reference, + the subject):\n");
        var same = 0;
        while (same < expected.Count && same < actual.Count && expected[same] == actual[same])
            same++;
        foreach (var line in expected.Take(same).TakeLast(5))
            text.AppendLine("  " + line);
        foreach (var line in expected.Skip(same).Take(12))
            text.AppendLine("- " + line);
        foreach (var line in actual.Skip(same).Take(12))
            text.AppendLine("+ " + line);
        return text.ToString();
    }
}
