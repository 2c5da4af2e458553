namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>The checkout that the tests were built from: the nearest folder above the test assembly that holds the solution.</summary>
public static class RepositoryRoot
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "ShardProxy.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No ShardProxy.sln above {AppContext.BaseDirectory}");
    }
}
