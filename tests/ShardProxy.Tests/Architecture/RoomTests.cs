using System.Text.RegularExpressions;

namespace ShardProxy.Tests.Architecture;

/// <summary>A folder is a stage of a query's way, and a stage knows only what stands to its left (docs/architecture.md).</summary>
public sealed partial class RoomTests
{
    /// <summary>From left to right.</summary>
    private static readonly string[] Rooms =
    [
        "Configuration", "Diagnostics", "Transport", "Directory", "Catalog", "Statements", "Planning", "Pooling", "Execution",
        "Merging", "Sessions", "Listening", "Control", "CommandLine",
    ];

    /// <summary>Libraries that only some rooms may use: the data path is ours from the socket to the reply.</summary>
    private static readonly (string Library, string[] Rooms)[] Libraries =
    [
        ("Npgsql", ["Control", "Directory"]),
        ("Microsoft.Data.Sqlite", ["Control", "Directory"]),
        ("StackExchange.Redis", ["Directory"]),
        ("Polly", ["Directory"]),
        ("YamlDotNet", ["Configuration"]),
        ("System.CommandLine", ["CommandLine"]),
        ("Spectre.Console", ["CommandLine"]),
    ];

    [Fact]
    public void Every_folder_is_a_room()
    {
        SourceTree.Product.Where(static file => file.Room.Length > 0 && !Rooms.Contains(file.Room)).Select(static file => file.Path).ShouldBeEmpty();
    }

    [Fact]
    public void A_namespace_is_its_room()
    {
        foreach (var file in SourceTree.Product.Concat(SourceTree.Protocol))
        {
            if (file.Namespace is not { } actual)
                continue;
            // A folder inside of a room may only sort its files, without a namespace of its own.
            var project = Path.GetFileName(file.Project);
            var full = string.Join('.', [project, .. file.Folders]);
            (full + ".").ShouldStartWith(actual + ".", customMessage: file.Path);
            actual.ShouldStartWith(file.Room.Length > 0 ? $"{project}.{file.Room}" : project, customMessage: file.Path);
        }
    }

    [Fact]
    public void A_room_knows_only_what_stands_to_its_left()
    {
        var typesOf = SourceTree.Product.GroupBy(static file => file.Room)
            .ToDictionary(static room => room.Key, static room => room.SelectMany(static file => file.Types).ToHashSet());
        var offences = new List<string>();
        foreach (var file in SourceTree.Product.Where(static file => file.Room.Length > 0))
        {
            var allowed = LeftOf(file.Room).Append(file.Room).ToHashSet();
            offences.AddRange(file.Usings
                .Where(static name => name.StartsWith("ShardProxy.", StringComparison.Ordinal))
                .Select(static name => name.Split('.')[1])
                .Where(room => room != "Protocol" && !allowed.Contains(room))
                .Select(room => $"{file.Path} uses {room}"));
            // A sibling namespace can also be named from its parent, as in Pooling.ServerPool.
            offences.AddRange(QualifiedName().Matches(file.Text)
                .Where(match => typesOf.TryGetValue(match.Groups[1].Value, out var types) && types.Contains(match.Groups[2].Value))
                .Where(match => !allowed.Contains(match.Groups[1].Value))
                .Select(match => $"{file.Path} names {match.Value}"));
        }
        offences.ShouldBeEmpty();
    }

    [Fact]
    public void Libraries_stay_where_they_belong()
    {
        var offences = from file in SourceTree.Product
                       from library in Libraries
                       where file.Room.Length > 0 && !library.Rooms.Contains(file.Room)
                       where file.Usings.Any(name => name == library.Library || name.StartsWith(library.Library + ".", StringComparison.Ordinal))
                       select $"{file.Path} uses {library.Library}";
        offences.ShouldBeEmpty();
    }

    [Fact]
    public void The_protocol_knows_no_socket_and_nothing_of_the_proxy()
    {
        var offences = from file in SourceTree.Protocol
                       from name in file.Usings
                       where name.StartsWith("System.Net", StringComparison.Ordinal)
                           || (name.StartsWith("ShardProxy.", StringComparison.Ordinal) && !name.StartsWith("ShardProxy.Protocol", StringComparison.Ordinal))
                       select $"{file.Path} uses {name}";
        offences.ShouldBeEmpty();
    }

    [Fact]
    public void Files_are_small_and_without_regions()
    {
        foreach (var file in SourceTree.Product.Concat(SourceTree.Protocol))
        {
            file.Text.Count(static character => character == '\n').ShouldBeLessThan(600, file.Path);
            file.Text.ShouldNotContain("#region", Case.Sensitive, file.Path);
        }
    }

    private static IEnumerable<string> LeftOf(string room) => Rooms.TakeWhile(stage => stage != room);

    [GeneratedRegex(@"(?<![\w.""])(?:ShardProxy\.)?([A-Z]\w+)\.(?:\w+\.)?([A-Z]\w+)")]
    private static partial Regex QualifiedName();
}
