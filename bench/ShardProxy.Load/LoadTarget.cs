namespace ShardProxy.Load;

/// <summary>Where to log in, on 127.0.0.1.</summary>
internal sealed record LoadTarget(int Port, string User, string Password, string Database)
{
    public static LoadTarget At(string port) => new(Numbers.Parse(port), Read("PGUSER"), Read("PGPASSWORD"), Read("PGDATABASE"));

    private static string Read(string variable) =>
        Environment.GetEnvironmentVariable(variable) ?? throw new ArgumentException($"{variable} is not set.");
}
