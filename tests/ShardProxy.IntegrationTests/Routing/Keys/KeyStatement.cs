using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing.Keys;

/// <summary>A value for a parameter.</summary>
/// <param name="Text">Its text form; where it is sent in binary, what stands in quotes before a cast to <paramref name="Cast"/>.</param>
/// <param name="Declared">As Parse declares it; 0 to let the server find it.</param>
public sealed record KeyParameter(string Text, uint Declared, bool IsBinary, string Cast);

/// <summary>A statement that names keys, with the values of its parameters.</summary>
public sealed record KeyStatement(string Sql, IReadOnlyList<KeyParameter> Parameters)
{
    public override string ToString() =>
        Parameters.Count == 0 ? Sql : $"{Sql} -- {string.Join(", ", Parameters.Select(static (value, index) => $"${index + 1} = {value.Text} ({value.Declared}{(value.IsBinary ? ", binary" : "")})"))}";

    /// <param name="binary">Gives the binary form of a value.</param>
    public async Task<FrontendScript> ToScriptAsync(Func<KeyParameter, Task<byte[]>> binary, bool extended)
    {
        if (Parameters.Count == 0 && !extended)
            return new FrontendScript().Query(Sql);
        var values = new List<byte[]>();
        foreach (var parameter in Parameters)
            values.Add(parameter.IsBinary ? await binary(parameter) : System.Text.Encoding.UTF8.GetBytes(parameter.Text));
        return new FrontendScript()
            .Parse(Sql, types: [.. Parameters.Select(static parameter => parameter.Declared)])
            .BindBytes([.. values], [.. Parameters.Select(static parameter => (short)(parameter.IsBinary ? 1 : 0))])
            .DescribePortal().Execute().Sync();
    }
}
