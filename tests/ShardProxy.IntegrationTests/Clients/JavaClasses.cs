using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Clients;

/// <summary>Compiles tests/clients/java once per test run.</summary>
internal static class JavaClasses
{
    private static readonly Lazy<Task<string>> Compiled = new(CompileAsync);

    public static Task<string> FolderAsync() => Compiled.Value;

    private static async Task<string> CompileAsync()
    {
        var folder = TestFolder.New("java");
        var nowhere = new Endpoint("", 0, "", "", "");
        await ClientProgram.RunAsync(nowhere, "javac", ["-cp", "/usr/share/java/postgresql.jar", "-encoding", "UTF-8", "-d", folder, "java/Cases.java"]);
        return folder;
    }
}
