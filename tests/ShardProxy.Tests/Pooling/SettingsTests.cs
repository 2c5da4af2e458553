using System.Text.RegularExpressions;
using ShardProxy.Pooling;

namespace ShardProxy.Tests.Pooling;

public sealed partial class SettingsTests
{
    private static readonly string[] Names = ["role", "session_authorization", "search_path", "app.tenant", "timezone"];

    [Fact]
    public void A_script_leads_from_any_set_to_any_other()
    {
        var random = new Random(11);
        for (var i = 0; i < 2_000; i++)
        {
            var from = Any(random);
            var to = Any(random);
            var script = SettingsScript.Between(from, to);
            Run(from, script).ShouldBe(to);
            (script.Length == 0).ShouldBe(from.Equals(to));
        }
    }

    [Fact]
    public void Identities_are_undone_first_and_taken_on_last()
    {
        var from = SettingsSet.Empty.With("role", "a").With("work_mem", "1MB");
        var to = SettingsSet.Empty.With("role", "b").With("work_mem", "2MB");
        var steps = SettingsScript.Between(from, to).Split(';', StringSplitOptions.RemoveEmptyEntries);
        steps.ShouldBe(["RESET ROLE", "SELECT pg_catalog.set_config('work_mem','2MB',false)", "SELECT pg_catalog.set_config('role','b',false)"]);
    }

    [Theory]
    [InlineData("it's", "'it''s'")]
    [InlineData(@"a\b", @" E'a\\b'")]
    public void Literals_are_quoted(string value, string quoted) => SettingsScript.QuoteLiteral(value).ShouldBe(quoted);

    [Fact]
    public void Sets_are_equal_by_value()
    {
        var one = SettingsSet.Empty.With("a", "1").With("b", "2");
        var other = SettingsSet.Empty.With("b", "2").With("a", "0").With("a", "1");
        one.Equals(other).ShouldBeTrue();
        one.GetHashCode().ShouldBe(other.GetHashCode());
        one.Without("a").Equals(other).ShouldBeFalse();
        one.Without("a").Without("b").Equals(SettingsSet.Empty).ShouldBeTrue();
        one.With("a", "1").ShouldBeSameAs(one);
        one.Without("c").ShouldBeSameAs(one);
    }

    private static SettingsSet Any(Random random)
    {
        var set = SettingsSet.Empty;
        foreach (var name in Names)
        {
            if (random.Next(2) == 0)
                set = set.With(name, random.Next(3) switch { 0 => "x", 1 => "o'clock", _ => @"back\slash" });
        }
        return set;
    }

    // What a server would make of the script.
    private static SettingsSet Run(SettingsSet set, string script)
    {
        foreach (Match step in Step().Matches(script))
        {
            if (step.Groups["reset"].Success)
                set = set.Without(step.Groups["reset"].Value.Replace("\"", "").ToLowerInvariant().Replace(' ', '_'));
            else
                set = set.With(Unquote(step.Groups["name"].Value), Unquote(step.Groups["value"].Value));
        }
        return set;
    }

    private static string Unquote(string literal)
    {
        var escapes = literal.StartsWith(" E", StringComparison.Ordinal);
        var inner = literal[(escapes ? 3 : 1)..^1].Replace("''", "'");
        return escapes ? inner.Replace(@"\\", @"\") : inner;
    }

    [GeneratedRegex(@"RESET (?<reset>[^;]+);|SELECT pg_catalog\.set_config\((?<name>'[^']*'),(?<value>(?: E)?'(?:[^']|'')*'),false\);")]
    private static partial Regex Step();
}
