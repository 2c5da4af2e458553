using System.Text;

namespace ShardProxy.Listening.Admin;

/// <summary>One command as typed: words in the order written, without comments and the semicolon.</summary>
/// <param name="Verb">The first word in upper case: SHOW, RELOAD, PAUSE, RESUME, KILL.</param>
/// <param name="Text">As it came.</param>
public sealed record AdminCommand(string Verb, IReadOnlyList<string> Arguments, string Text)
{
    /// <summary>The first argument in upper case; empty without one.</summary>
    public string Subject => Arguments.Count > 0 ? Arguments[0].ToUpperInvariant() : "";

    /// <summary>Cuts a text at the semicolons outside of quotes and comments, and each piece into words.</summary>
    public static IReadOnlyList<AdminCommand> Split(string text)
    {
        var commands = new List<AdminCommand>();
        var piece = new StringBuilder();
        for (var at = 0; at < text.Length; at++)
        {
            var rest = text.AsSpan(at);
            if (rest[0] is '\'' or '"')
            {
                var end = rest[1..].IndexOf(rest[0]);
                var length = end < 0 ? rest.Length : end + 2;
                piece.Append(rest[..length]);
                at += length - 1;
            }
            else if (rest.StartsWith("--") || rest.StartsWith("/*"))
            {
                var stop = rest[0] == '-' ? "\n" : "*/";
                var end = rest.IndexOf(stop);
                piece.Append(' ');
                at += end < 0 ? rest.Length : end + stop.Length - 1;
            }
            else if (rest[0] == ';')
            {
                Add(commands, piece);
            }
            else
            {
                piece.Append(rest[0]);
            }
        }
        Add(commands, piece);
        return commands;
    }

    private static void Add(List<AdminCommand> commands, StringBuilder piece)
    {
        var text = piece.ToString().Trim();
        piece.Clear();
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length > 0)
            commands.Add(new AdminCommand(words[0].ToUpperInvariant(), [.. words.Skip(1).Select(static word => word.Trim('"', '\''))], text));
    }
}
