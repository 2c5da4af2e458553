using System.Text;

namespace ShardProxy.Configuration;

/// <summary>
/// Fills in <c>${NAME}</c> and <c>${NAME:-default}</c>; <c>$$</c> is a dollar sign. Any other dollar sign stands for
/// itself, so that a SCRAM verifier can be written as PostgreSQL stores it. What a variable holds is not read again.
/// </summary>
internal static class EnvironmentText
{
    /// <summary>The text, or null with <paramref name="error"/> said.</summary>
    public static string? Expand(string text, Func<string, string?> environment, out string? error)
    {
        error = null;
        if (!text.Contains('$', StringComparison.Ordinal))
            return text;
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var next = i + 1 < text.Length ? text[i + 1] : '\0';
            if (text[i] != '$' || next is not ('$' or '{'))
            {
                result.Append(text[i]);
                continue;
            }
            if (next == '$')
            {
                result.Append('$');
                i++;
                continue;
            }
            var end = text.IndexOf('}', i);
            if (end < 0)
            {
                error = "has a ${ without its }; write $${ for the characters themselves";
                return null;
            }
            var value = Lookup(text[(i + 2)..end], environment, out error);
            if (value is null)
                return null;
            result.Append(value);
            i = end;
        }
        return result.ToString();
    }

    private static string? Lookup(string reference, Func<string, string?> environment, out string? error)
    {
        var separator = reference.IndexOf(":-", StringComparison.Ordinal);
        var name = separator < 0 ? reference : reference[..separator];
        error = null;
        if (!IsName(name))
        {
            error = "has a ${…} that does not name an environment variable";
            return null;
        }
        var value = environment(name);
        // As in the shell, ":-" also stands in for a variable that is set and empty.
        if (separator >= 0)
            return string.IsNullOrEmpty(value) ? reference[(separator + 2)..] : value;
        if (value is null)
            error = $"needs the environment variable {name}, which is not set";
        return value;
    }

    private static bool IsName(string name)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0]))
            return false;
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_')
                return false;
        }
        return true;
    }
}
