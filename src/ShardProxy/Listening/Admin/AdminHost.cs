using System.Security.Cryptography;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Listening.Admin;

/// <summary>Lets a configured admin user into the console, under the name of a database.</summary>
public sealed class AdminHost(IAdminConsole console, string productVersion)
{
    /// <summary>The database that is the console; no configured database may have the name.</summary>
    public const string DatabaseName = Configuration.ReservedNames.AdminDatabase;

    /// <summary>What clients believe to talk to; the grammar that the proxy reads is of this version.</summary>
    private const string ServerVersion = "15.0";

    /// <param name="user">Has proved who it is.</param>
    /// <exception cref="ClientRefusedException">It is no admin.</exception>
    public async Task RunAsync(NegotiatedClient client, string user)
    {
        if (!console.IsAdmin(user))
        {
            throw new ClientRefusedException(new ServerError(SqlStates.InvalidAuthorizationSpecification, $"user \"{user}\" may not use the database \"{DatabaseName}\"")
            {
                Severity = "FATAL",
                Hint = "The configuration says which users are admins.",
            });
        }
        var channel = client.Channel;
        channel.Connection.Signal!.Deadline = 0;
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)
        [
            ("server_version", ServerVersion), ("server_encoding", "UTF8"), ("client_encoding", "UTF8"), ("DateStyle", "ISO, MDY"),
            ("TimeZone", "UTC"), ("integer_datetimes", "on"), ("standard_conforming_strings", "on"), ("is_superuser", "off"), ("session_authorization", user),
        ])
        {
            ParameterStatusMessage.Write(channel.Output, name, value);
        }
        // Nothing here runs long enough to be cancelled.
        BackendKeyDataMessage.Write(channel.Output, Environment.ProcessId, RandomNumberGenerator.GetBytes(client.CancelKeyLength));
        await new AdminConversation(channel, console, $"PostgreSQL {ServerVersion} (ShardProxy {productVersion}, admin database)").RunAsync();
    }
}
