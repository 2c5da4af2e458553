namespace ShardProxy.Configuration;

/// <summary>Reads <c>listen</c>.</summary>
internal static class ListenSection
{
    /// <summary>Reached from this machine only, until the file says otherwise.</summary>
    public const string DefaultAddress = "127.0.0.1:6432";

    public static ListenConfig Read(Section section)
    {
        using var _ = section;
        var address = DefaultAddress;
        if (section.Find("address") is { } value)
        {
            if (ListenAddress.TryParse(value.Text) is null)
                section.Scope.Report(value.At, $"{value.Path} must be host:port, such as 127.0.0.1:6432, *:6432 or [::1]:6432, not {value.Text}.");
            address = value.Text;
        }
        return new ListenConfig(address, ReadTls(section.Open("tls")));
    }

    private static TlsConfig ReadTls(Section section)
    {
        using var _ = section;
        var mode = section.Choice(
            "mode",
            TlsMode.Disable,
            ("disable", TlsMode.Disable),
            ("prefer", TlsMode.Prefer),
            ("require", TlsMode.Require),
            ("verify-client", TlsMode.VerifyClient));
        // With TLS off the files may be missing: a file that is made ready for later is no error.
        if (mode == TlsMode.Disable)
            return new TlsConfig(mode, section.FilePath("certificate"), section.FilePath("key"), section.FilePath("ca"));
        var tls = new TlsConfig(mode, section.ExistingFile("certificate"), section.ExistingFile("key"), section.ExistingFile("ca"));
        if (tls.Certificate is null || tls.Key is null)
            section.Scope.Report(section.At, $"{section.Path} needs certificate and key (PEM files) when its mode is not disable.");
        if (mode == TlsMode.VerifyClient && tls.Ca is null)
            section.Scope.Report(section.At, $"{section.Path} needs ca (a PEM file) when its mode is verify-client.");
        return tls;
    }
}
