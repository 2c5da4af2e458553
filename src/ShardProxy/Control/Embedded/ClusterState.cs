using System.Text.Json.Serialization;

namespace ShardProxy.Control.Embedded;

/// <summary>What the folder remembers between runs. Holds passwords: its file is the owner's alone.</summary>
/// <param name="ServersFolder">Where the servers' own folders are: in the folder, or elsewhere when the servers' account cannot reach it.</param>
/// <param name="ServerMajor">Version of the PostgreSQL programs that made the servers.</param>
/// <param name="Ports">By shard; the last ones used, tried first.</param>
public sealed record ClusterState(
    string ServersFolder,
    int ServerMajor,
    string AdminPassword,
    string AppPassword,
    IReadOnlyList<int> Ports,
    bool SampleLoaded)
{
    [JsonIgnore]
    public int ShardCount => Ports.Count;

    public static string ShardName(int index) => $"s{index}";
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ClusterState))]
internal sealed partial class ClusterStateJson : JsonSerializerContext;
