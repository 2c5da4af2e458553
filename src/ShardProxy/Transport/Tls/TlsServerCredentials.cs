using ShardProxy.Configuration;

namespace ShardProxy.Transport.Tls;

/// <summary>The listener's TLS, swapped as a whole when the configuration or the files are read again.</summary>
public sealed class TlsServerCredentials
{
    private volatile State _state;

    /// <exception cref="TlsConfigurationException">A file cannot be used.</exception>
    public TlsServerCredentials(TlsConfig config) => _state = Read(config);

    public TlsMode Mode => _state.Mode;

    /// <summary>Mode and options that belong together; options are null when TLS is disabled.</summary>
    public (TlsMode Mode, TlsServerOptions? Options) Current
    {
        get
        {
            var state = _state;
            return (state.Mode, state.Options);
        }
    }

    /// <summary>Reads the files again. New handshakes use them; when this throws, everything stays as it was.</summary>
    /// <exception cref="TlsConfigurationException">A file cannot be used.</exception>
    public void Reload(TlsConfig config) => _state = Read(config);

    private static State Read(TlsConfig config) => new(config.Mode, TlsServerOptions.Load(config));

    private sealed record State(TlsMode Mode, TlsServerOptions? Options);
}
