using System.Reflection;

namespace ShardProxy.CommandLine;

/// <summary>The product's version, as the build gave it.</summary>
internal static class ProductVersion
{
    /// <summary>Without the commit that the SDK adds after a plus sign.</summary>
    public static string Text { get; } =
        typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}
