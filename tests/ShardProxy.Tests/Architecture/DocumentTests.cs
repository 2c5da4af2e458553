using System.Text.RegularExpressions;

namespace ShardProxy.Tests.Architecture;

/// <summary>What the documents name exists: files, folders and types in backticks.</summary>
public sealed partial class DocumentTests
{
    /// <summary>Names in PascalCase that are not ours: messages and terms of PostgreSQL, .NET and peers.</summary>
    private static readonly HashSet<string> Foreign =
    [
        "AuthenticationOk", "BackendKeyData", "BindComplete", "CancelRequest", "CloseComplete", "CommandComplete", "CopyBothResponse", "CopyData", "CopyDone", "CopyFail",
        "CopyInResponse", "CopyOutResponse", "DataRow", "EmptyQueryResponse", "ErrorResponse", "FunctionCall", "NegotiateProtocolVersion", "NoData", "NoticeResponse",
        "NotificationResponse", "ParameterDescription", "ParameterStatus", "ParseComplete", "PortalSuspended", "ReadyForQuery", "RowDescription", "SSLRequest", "GSSENCRequest",
        "StartupMessage", "PostgreSQL", "PgBouncer", "GitHub", "DateStyle", "TimeZone", "IntervalStyle", "LoggerMessage", "SynchronizationContext", "TimeProvider",
    ];

    public static TheoryData<string> Documents =>
    [
        .. System.IO.Directory.EnumerateFiles(SourceTree.Root, "*.md", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden })
            .Select(static path => Path.GetRelativePath(SourceTree.Root, path).Replace('\\', '/'))
            .Where(static path => !path.Contains("node_modules/", StringComparison.Ordinal) && !path.StartsWith("artifacts/", StringComparison.Ordinal)
                && !path.Contains("/bin/", StringComparison.Ordinal) && !path.StartsWith('.'))
            .DefaultIfEmpty(""),
    ];

    [Theory]
    [MemberData(nameof(Documents))]
    public void Names_in_backticks_exist(string document)
    {
        if (document.Length == 0)
            return;
        var text = Fence().Replace(File.ReadAllText(Path.Combine(SourceTree.Root, document)), "");
        var types = SourceTree.Product.Concat(SourceTree.Protocol).Concat(SourceTree.Tests).SelectMany(static file => file.Types).ToHashSet();
        var missing = new List<string>();
        foreach (var name in Code().Matches(text).Select(static match => match.Groups[1].Value))
        {
            if (FilePath().IsMatch(name))
            {
                var here = Path.Combine(SourceTree.Root, name.TrimStart('.', '/'));
                var beside = Path.Combine(SourceTree.Root, Path.GetDirectoryName(document)!, name);
                if (!Path.Exists(here) && !Path.Exists(beside))
                    missing.Add(name);
            }
            else if (TypeName().Match(name) is { Success: true } match && !types.Contains(match.Groups[1].Value) && !Foreign.Contains(match.Groups[1].Value))
            {
                missing.Add(name);
            }
        }
        missing.ShouldBeEmpty(document);
    }

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"^(?:\./)?(?:(?:src|tests|docs|bench)(?:/[\w.-]+)+/?|[\w./-]+\.(?:cs|md|csproj|sln|props))$")]
    private static partial Regex FilePath();

    [GeneratedRegex(@"^([A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+)(?:\.\w+)?$")]
    private static partial Regex TypeName();
}
