using System.Text.RegularExpressions;

namespace ShardProxy.Tests.Architecture;

/// <summary>The product's source files, as the rules of the repository see them.</summary>
internal static partial class SourceTree
{
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<SourceFile> Product { get; } = Read("src/ShardProxy");

    public static IReadOnlyList<SourceFile> Protocol { get; } = Read("src/ShardProxy.Protocol");

    public static IReadOnlyList<SourceFile> Tests { get; } = Read("tests");

    private static List<SourceFile> Read(string folder) =>
    [
        .. System.IO.Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Select(static path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(static path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(path => new SourceFile(path, folder, WithoutComments(File.ReadAllText(Path.Combine(Root, path))))),
    ];

    private static string WithoutComments(string text) => LineComment().Replace(text, "");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ShardProxy.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No ShardProxy.sln above {AppContext.BaseDirectory}");
    }

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline)]
    private static partial Regex LineComment();
}

/// <param name="Path">From the repository's root.</param>
/// <param name="Project">The project's folder.</param>
/// <param name="Text">The source without lines that are comments only.</param>
internal sealed partial record SourceFile(string Path, string Project, string Text)
{
    /// <summary>The first folder below the project; empty for files in the project's own folder.</summary>
    public string Room => Folders.Length > 0 ? Folders[0] : "";

    public string[] Folders => Path[(Project.Length + 1)..].Split('/')[..^1];

    public string? Namespace => NamespaceLine().Match(Text) is { Success: true } match ? match.Groups[1].Value : null;

    public IEnumerable<string> Usings => UsingLine().Matches(Text).Select(static match => match.Groups[1].Value);

    /// <summary>Names of the types that the file declares.</summary>
    public IEnumerable<string> Types => TypeDeclaration().Matches(Text).Select(static match => match.Groups[1].Value);

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^(?:global )?using (?:static )?(?:\w+ = )?([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex UsingLine();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record|delegate \w+)\s+(?:struct\s+|class\s+)?(\w+)")]
    private static partial Regex TypeDeclaration();
}
