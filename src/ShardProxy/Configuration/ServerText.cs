namespace ShardProxy.Configuration;

/// <summary>Reads a connection string that stands in the file.</summary>
internal static class ServerText
{
    /// <summary>Null, and reported, when it cannot be read.</summary>
    /// <param name="databaseName">Used when the text names no database.</param>
    public static ConnectionTarget? Read(Section section, Scalar connection, string databaseName)
    {
        var errors = new List<string>();
        var target = ConnectionTargetReader.Read(connection.Text, databaseName, errors);
        foreach (var error in errors)
            section.Scope.Report(connection.At, $"{connection.Path}: {error}.");
        if (target?.SslRootCertificate is not { } certificate)
            return target;
        var path = section.Scope.ResolvePath(certificate);
        if (!File.Exists(path))
            section.Scope.Report(connection.At, $"{connection.Path}: there is no file {path} (sslrootcert).");
        return target with { SslRootCertificate = path };
    }
}
