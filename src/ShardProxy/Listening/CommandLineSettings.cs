using System.Text;

namespace ShardProxy.Listening;

/// <summary>
/// Reads the start-up parameter "options": arguments as for a PostgreSQL server process, split at white space, where a
/// backslash takes the next character as it is. Only settings are possible: "-c name=value", "-cname=value",
/// "--name=value"; in a name '-' stands for '_'.
/// </summary>
internal static class CommandLineSettings
{
    /// <exception cref="ClientRefusedException">An argument that is no setting.</exception>
    internal static void Read(string options, List<KeyValuePair<string, string>> to)
    {
        var arguments = Split(options);
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            var setting = argument switch
            {
                "-c" when i + 1 < arguments.Count => arguments[++i],
                ['-', 'c', _, ..] or ['-', '-', _, ..] => argument[2..],
                _ => throw StartupErrors.InvalidArgument(argument),
            };
            var equals = setting.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw StartupErrors.InvalidArgument(argument);
            to.Add(new(setting[..equals].Replace('-', '_'), setting[(equals + 1)..]));
        }
    }

    private static List<string> Split(string options)
    {
        var arguments = new List<string>();
        var current = new StringBuilder();
        for (var i = 0; i < options.Length; i++)
        {
            if (IsSpace(options[i]))
            {
                Finish();
                continue;
            }
            if (options[i] == '\\' && i + 1 < options.Length)
                i++;
            current.Append(options[i]);
        }
        Finish();
        return arguments;

        void Finish()
        {
            if (current.Length > 0)
                arguments.Add(current.ToString());
            current.Clear();
        }
    }

    /// <summary>C's isspace in the C locale.</summary>
    private static bool IsSpace(char c) => c is ' ' or (>= '\t' and <= '\r');
}
