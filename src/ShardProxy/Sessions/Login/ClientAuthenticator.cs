using System.Collections.Frozen;
using System.Security.Cryptography;
using ShardProxy.Configuration;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Sessions.Login;

/// <summary>
/// The server's role in a login: checks a client against the users of the configuration, or against the verifiers that
/// the home shard has. Immutable; a reload makes a new one. Safe for all loops.
/// </summary>
public sealed class ClientAuthenticator
{
    /// <summary>Largest frame taken from a client that is not known yet, in bytes: PostgreSQL's PG_MAX_AUTH_TOKEN_LENGTH and the header.</summary>
    private const int MaxFrameLength = 65_535 + Frame.HeaderLength;

    private readonly FrozenDictionary<string, UserConfig> _users;
    private readonly FrozenDictionary<string, LoginUser> _known;
    private readonly Func<string, CancellationToken, ValueTask<string?>>? _findVerifier;
    private readonly ScramMockVerifiers _mocks;

    /// <param name="findVerifier">Pass-through: pg_authid.rolpassword of a user, null when there is no such user; null switches it off.</param>
    /// <param name="mocks">Of the process, not of one configuration, so that a reload does not change the answers.</param>
    public ClientAuthenticator(
        IReadOnlyList<UserConfig> users,
        Func<string, CancellationToken, ValueTask<string?>>? findVerifier,
        ScramMockVerifiers mocks)
    {
        _users = users.ToFrozenDictionary(static user => user.Name, StringComparer.Ordinal);
        _known = users.Where(static user => user.Password is not null).ToFrozenDictionary(
            static user => user.Name,
            static user => LoginUser.Create(user, StoredPassword.Parse(user.Password!)),
            StringComparer.Ordinal);
        _findVerifier = findVerifier;
        _mocks = mocks;
    }

    /// <summary>
    /// Runs the dialogue up to and including AuthenticationOk, which stands in the output and is not flushed. The caller
    /// sets the signal and its deadline, and on an exception sends its error and closes.
    /// </summary>
    /// <param name="channelBinding">tls-server-end-point data of the connection; null without TLS or where the certificate defines none.</param>
    /// <exception cref="ClientLoginException">The client is refused.</exception>
    /// <exception cref="PeerClosedException">Also when a client goes to ask its user for a password.</exception>
    public async Task<AuthenticatedUser> AuthenticateAsync(
        FrameChannel channel,
        string userName,
        byte[]? channelBinding,
        CancellationToken cancellation)
    {
        var user = await FindAsync(userName, cancellation);
        ScramKeys? shown = null;
        if (user?.Md5Hash is { } hash)
            await CheckMd5Async(channel, userName, hash);
        else
            shown = await CheckScramAsync(channel, userName, user?.Verifier ?? _mocks.For(userName), channelBinding);
        if (user is null)
            throw ClientLoginException.WrongPassword(userName);
        AuthenticationMessage.WriteOk(channel.Output);
        return new AuthenticatedUser(userName, user.CredentialsAfter(shown));
    }

    private async ValueTask<LoginUser?> FindAsync(string name, CancellationToken cancellation)
    {
        if (_known.TryGetValue(name, out var user))
            return user;
        if (_findVerifier is null || await _findVerifier(name, cancellation) is not { } text)
            return null;
        // A server stores nothing in the clear; what looks so is not to be taken for a password.
        var stored = StoredPassword.Parse(text);
        return stored is StoredPassword.Clear
            ? null
            : LoginUser.Create(_users.GetValueOrDefault(name) ?? new UserConfig(name, null, null, null), stored);
    }

    private static async Task CheckMd5Async(FrameChannel channel, string userName, string hash)
    {
        var salt = RandomNumberGenerator.GetBytes(AuthenticationMessage.Md5SaltLength);
        AuthenticationMessage.WriteMd5Password(channel.Output, salt);
        var length = await ReadResponseAsync(channel);
        var sound = PasswordMessage.TryRead(channel.Input.Unread[Frame.HeaderLength..length], out var answer);
        var matches = sound && Md5Password.Matches(answer.Text, hash, salt);
        channel.Input.Consume(length);
        if (!sound)
            throw ClientLoginException.Malformed("malformed password message");
        if (!matches)
            throw ClientLoginException.WrongPassword(userName);
    }

    private static async Task<ScramKeys?> CheckScramAsync(FrameChannel channel, string userName, ScramVerifier verifier, byte[]? channelBinding)
    {
        if (channelBinding is null)
            AuthenticationMessage.WriteSasl(channel.Output, ScramMechanisms.Scram);
        else
            AuthenticationMessage.WriteSasl(channel.Output, ScramMechanisms.ScramPlus, ScramMechanisms.Scram);

        var length = await ReadResponseAsync(channel);
        var exchange = StartScram(channel.Input.Unread[Frame.HeaderLength..length], verifier, channelBinding, out var serverFirst);
        channel.Input.Consume(length);
        AuthenticationMessage.WriteSaslContinue(channel.Output, serverFirst);

        length = await ReadResponseAsync(channel);
        var failure = exchange.Finish(channel.Input.Unread[Frame.HeaderLength..length], out var serverFinal);
        channel.Input.Consume(length);
        Check(failure, userName);
        AuthenticationMessage.WriteSaslFinal(channel.Output, serverFinal);
        return exchange.Keys;
    }

    private static ScramServerExchange StartScram(ReadOnlySpan<byte> body, ScramVerifier verifier, byte[]? channelBinding, out byte[] serverFirst)
    {
        if (!SaslInitialResponseMessage.TryRead(body, out var initial) || !initial.HasData)
            throw ClientLoginException.Malformed("malformed SASL response");
        var plus = channelBinding is not null && initial.Mechanism.SequenceEqual("SCRAM-SHA-256-PLUS"u8);
        if (!plus && !initial.Mechanism.SequenceEqual("SCRAM-SHA-256"u8))
            throw ClientLoginException.Malformed("client selected an invalid SASL authentication mechanism");
        var exchange = new ScramServerExchange(verifier, plus, channelBinding);
        Check(exchange.Start(initial.Data, out serverFirst), "");
        return exchange;
    }

    private static void Check(ScramFailure failure, string userName)
    {
        switch (failure)
        {
            case ScramFailure.None:
                return;
            case ScramFailure.WrongPassword:
                throw ClientLoginException.WrongPassword(userName);
            case ScramFailure.ChannelBinding:
                throw new ClientLoginException(SqlStates.InvalidAuthorizationSpecification, "SCRAM channel binding check failed");
            default:
                throw ClientLoginException.Malformed("malformed SCRAM message");
        }
    }

    /// <summary>Sends what is in the output and waits for a password message: the length of its frame.</summary>
    private static async ValueTask<int> ReadResponseAsync(FrameChannel channel)
    {
        await channel.FlushAsync();
        while (true)
        {
            // Not the channel's own limit: a stranger must not make the proxy hold a large message.
            switch (Frame.TryRead(channel.Input.Unread, MaxFrameLength, out var type, out var length))
            {
                case FrameStatus.Complete when type == FrontendMessageType.Password:
                    return length;
                case FrameStatus.Incomplete when channel.Input.Count < Frame.HeaderLength || type == FrontendMessageType.Password:
                    await channel.ReceiveAsync();
                    break;
                case FrameStatus.Malformed when type == FrontendMessageType.Password:
                    throw ClientLoginException.Malformed("invalid length of a password message");
                default:
                    throw ClientLoginException.Malformed($"expected password response, got message type {type}");
            }
        }
    }
}
