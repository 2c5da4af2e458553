using ShardProxy.Catalog;
using ShardProxy.Directory;

namespace ShardProxy.Control.Loading;

/// <summary>
/// Folds the overloads of a function to one entry, since a call is not resolved by argument types here: as volatile as
/// the most volatile, of a known language only where all have it, and with all their bodies.
/// </summary>
internal sealed class FunctionFolding
{
    /// <summary>Language of a function whose overloads differ in it; no language of PostgreSQL has this name.</summary>
    public const string SeveralLanguages = "";

    private readonly Dictionary<QualifiedName, FunctionInfo> _functions = [];

    public void Add(FunctionInfo function)
    {
        if (!_functions.TryGetValue(function.Name, out var other))
        {
            _functions.Add(function.Name, function);
            return;
        }
        var volatility = (FunctionVolatility)Math.Max((int)function.Volatility, (int)other.Volatility);
        var language = function.Language == other.Language ? other.Language : SeveralLanguages;
        _functions[function.Name] = new FunctionInfo(function.Name, volatility, language, Join(other.Body, function.Body))
        {
            Key = function.Key == other.Key ? other.Key : null,
        };
    }

    // Read as words only, so one text will do for all.
    private static string? Join(string? first, string? second) => first is null || second is null ? first ?? second : $"{first}\n{second}";

    public IReadOnlyList<FunctionInfo> ToList() => [.. _functions.Values];
}
