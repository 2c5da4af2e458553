using ShardProxy.Protocol.Messages;

namespace ShardProxy.Listening;

/// <summary>What a StartupMessage asks for, sorted. Names follow PostgreSQL's ProcessStartupPacket.</summary>
/// <param name="UnknownOptions">Protocol options ("_pq_.…") that are not known here, to be named in NegotiateProtocolVersion.</param>
internal sealed record StartupRequest(
    int Version,
    string User,
    string Database,
    IReadOnlyList<KeyValuePair<string, string>> Settings,
    IReadOnlyList<string> UnknownOptions)
{
    private const string ProtocolOptionPrefix = "_pq_.";

    /// <summary>The client has to be told what it gets instead.</summary>
    internal bool NeedsNegotiation => Version > StartupPacket.Version32 || UnknownOptions.Count > 0;

    internal int AgreedVersion => Math.Min(Version, StartupPacket.Version32);

    /// <exception cref="ClientRefusedException">No user, or something that the proxy cannot do.</exception>
    internal static StartupRequest Read(int version, List<KeyValuePair<string, string>> parameters)
    {
        string? user = null;
        string? database = null;
        var options = "";
        var settings = new List<KeyValuePair<string, string>>();
        var unknown = new List<string>();
        foreach (var (name, value) in parameters)
        {
            switch (name)
            {
                case "user":
                    user = value;
                    break;
                case "database":
                    database = value;
                    break;
                case "options":
                    options = value;
                    break;
                case "replication":
                    RefuseReplication(value);
                    break;
                default:
                    if (name.StartsWith(ProtocolOptionPrefix, StringComparison.Ordinal))
                        unknown.Add(name);
                    else
                        settings.Add(new(name, value));
                    break;
            }
        }
        if (string.IsNullOrEmpty(user))
            throw StartupErrors.NoUserName();
        var fromOptions = new List<KeyValuePair<string, string>>();
        CommandLineSettings.Read(options, fromOptions);
        fromOptions.AddRange(settings);
        return new StartupRequest(version, user, string.IsNullOrEmpty(database) ? user : database, fromOptions, unknown);
    }

    private static void RefuseReplication(string value)
    {
        switch (value.ToLowerInvariant())
        {
            case "false" or "off" or "no" or "0" or "f" or "n":
                return;
            case "true" or "on" or "yes" or "1" or "t" or "y" or "database":
                throw StartupErrors.Replication();
            default:
                throw StartupErrors.InvalidReplication(value);
        }
    }
}
