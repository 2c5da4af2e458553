using System.Text;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>Says the same to the reference and to the subject, on a connection each, and compares what they answer and what they then hold.</summary>
internal sealed class WritesBeside : IAsyncDisposable
{
    private readonly WireClient _reference;
    private readonly WireClient _subject;
    private readonly string[] _state;

    private readonly bool _anyWrongValue;

    private WritesBeside(WireClient reference, WireClient subject, string[] state, bool anyWrongValue)
    {
        _anyWrongValue = anyWrongValue;
        _reference = reference;
        _subject = subject;
        _state = state;
    }

    /// <summary>Statements said, and how many of them the subject refused.</summary>
    public int Count { get; private set; }

    public int Refused { get; private set; }

    public static Task<WritesBeside> ConnectAsync(Lab lab) => ConnectAsync(lab.Reference, lab.Subject, WriteSchema.State);

    /// <param name="state">Queries whose answers, in their order, must be alike behind each statement.</param>
    /// <param name="anyWrongValue">Errors of a type's input and of a constraint count as the same.</param>
    public static async Task<WritesBeside> ConnectAsync(Endpoint reference, Endpoint subject, string[] state, bool anyWrongValue = false) =>
        new(await WireClient.ConnectAsync(reference), await WireClient.ConnectAsync(subject), state, anyWrongValue);

    /// <summary>All answers are alike; rows in any order.</summary>
    public Task SameAsync(string statement) => SameAsync(new FrontendScript().Query(statement), statement);

    public async Task SameAsync(FrontendScript script, string statement, bool ordered = false)
    {
        var expected = Lines(await _reference.RunAsync(script), ordered);
        var actual = Lines(await _subject.RunAsync(script), ordered);
        Count++;
        if (!expected.SequenceEqual(actual))
            Assert.Fail(Compare(statement, expected, actual));
    }

    /// <summary>Says a statement with parameters in the given format; answers and what is held afterwards are alike.</summary>
    public async Task SameWithParametersAsync(string text, short format, params string?[] parameters)
    {
        await SameAsync(new FrontendScript().Run(text, parameters, format).Sync(), text);
        await SameStateAsync(text);
    }

    /// <summary>As <see cref="SameAsync(string)"/>; a statement that the subject refuses is not said to the reference.</summary>
    /// <returns>False when it was refused.</returns>
    public async Task<bool> SameOrRefusedAsync(FrontendScript script, string statement, bool inBlock)
    {
        Count++;
        var answer = await _subject.RunAsync(script);
        // PostgreSQL's own 0A000 have no hint, and are compared.
        if (answer.FirstOrDefault(static message => message.Type == 'E') is { SqlState: "0A000" } refusal && refusal.Fields.ContainsKey('H'))
        {
            Refused++;
            if (!inBlock)
                return false;
            // The refusal has failed the block; so the other side's must be given up too.
            await _subject.QueryAsync("ROLLBACK");
            await _reference.QueryAsync("ROLLBACK");
            return false;
        }
        var actual = Lines(answer, ordered: false);
        var expected = Lines(await _reference.RunAsync(script), ordered: false);
        if (!expected.SequenceEqual(actual))
            Assert.Fail(Compare(statement, expected, actual));
        return true;
    }

    public async Task SameStateAsync(string after)
    {
        foreach (var query in _state)
        {
            var expected = Lines(await _reference.QueryAsync(query), ordered: true);
            var actual = Lines(await _subject.QueryAsync(query), ordered: true);
            if (!expected.SequenceEqual(actual))
                Assert.Fail(Compare($"{query}\nafter {after}", expected, actual));
        }
    }

    public async Task<WireMessage?> RefusedAsync(string statement) =>
        (await _subject.QueryAsync(statement)).FirstOrDefault(static message => message.Type == 'E');

    public async Task<string[]> SubjectRowsAsync(string query) =>
        [.. (await _subject.QueryAsync(query)).Where(static message => message.Type == 'D').Select(static message => message.ToString())];

    public async ValueTask DisposeAsync()
    {
        await _reference.DisposeAsync();
        await _subject.DisposeAsync();
    }

    private List<string> Lines(List<WireMessage> messages, bool ordered)
    {
        var lines = messages.Where(static message => !IsProgress(message)).Select(Line).ToList();
        if (!ordered)
            lines.Sort(string.CompareOrdinal);
        return lines;
    }

    // What runs shard by shard tells of each that is done.
    private static bool IsProgress(WireMessage message) =>
        message.Type == 'N' && message.Fields.GetValueOrDefault('M') is { } text && text.Contains(": shard \"", StringComparison.Ordinal);

    // Which of several wrong rows an error speaks of, and so what is wrong with it, is not the statement's to say.
    private string Line(WireMessage message) => message.Type == 'E'
        ? message.SqlState.StartsWith("23", StringComparison.Ordinal) || message.SqlState == "21000" || (_anyWrongValue && message.SqlState.StartsWith("22", StringComparison.Ordinal)) ? "Error of a value" : $"Error {message.SqlState} {message.Fields.GetValueOrDefault('M')}"
        : message.ToString();

    private static string Compare(string statement, List<string> expected, List<string> actual)
    {
        var text = new StringBuilder(statement).AppendLine().AppendLine("(- the reference, + the subject)");
        foreach (var line in expected.Except(actual).Take(10))
            text.AppendLine("- " + line);
        foreach (var line in actual.Except(expected).Take(10))
            text.AppendLine("+ " + line);
        return text.AppendLine($"{expected.Count} and {actual.Count} messages").ToString();
    }
}
