using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Uniqueness;

/// <summary>Says the same to one PostgreSQL and to a proxy, and compares all that they answer, errors with all of their fields that a client acts on.</summary>
internal sealed class UniqueBeside(WireClient reference, WireClient subject) : IAsyncDisposable
{
    private const string Ignored = "FLRWP";

    public WireClient Subject => subject;

    public static async Task<UniqueBeside> ConnectAsync(Endpoint reference, Endpoint subject) =>
        new(await WireClient.ConnectAsync(reference), await WireClient.ConnectAsync(subject));

    public async Task SameAsync(params string[] statements)
    {
        foreach (var statement in statements)
            await SameAsync(new FrontendScript().Query(statement), statement);
    }

    public async Task SameAsync(FrontendScript script, string name)
    {
        var expected = Lines(await reference.RunAsync(script));
        var actual = Lines(await subject.RunAsync(script));
        actual.ShouldBe(expected, name);
    }

    /// <summary>The subject refuses it with a hint; the reference is not asked.</summary>
    public async Task RefusedAsync(string statement)
    {
        var error = (await subject.QueryAsync(statement)).FirstOrDefault(static message => message.Type == 'E').ShouldNotBeNull(statement);
        error.SqlState.ShouldBe("0A000", $"{statement}: {error}");
        error.Fields.ContainsKey('H').ShouldBeTrue($"{statement}: {error}");
    }

    public async ValueTask DisposeAsync()
    {
        await reference.DisposeAsync();
        await subject.DisposeAsync();
    }

    // Without ORDER BY the order of rows is nobody's.
    private static string[] Lines(List<WireMessage> messages) => [.. messages.Select(Line).Order(StringComparer.Ordinal)];

    private static string Line(WireMessage message) => message.Type == 'E'
        ? string.Join(" | ", message.Fields.Where(static field => !Ignored.Contains(field.Key)).OrderBy(static field => field.Key).Select(static field => $"{field.Key}={field.Value}"))
        : message.ToString();
}
