using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ShardProxy.Protocol.Authentication;

namespace ShardProxy.Protocol.Tests.Authentication;

public sealed class ScramExchangeTests
{
    private static readonly byte[] Salt = Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ==");

    [Fact]
    public void The_client_gives_the_answers_of_rfc_7677()
    {
        var client = new ScramClientExchange("pencil", null, ScramBinding.None, null, "rOprNGfwEbeRWgbNEkqO", "user");
        Text(client.Start()).ShouldBe("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        client.Continue(
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"u8,
            out var final).ShouldBe(ScramFailure.None);
        Text(final).ShouldBe(
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        client.Finish("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="u8).ShouldBe(ScramFailure.None);
        client.Finish("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="u8).ShouldNotBe(ScramFailure.None);
        client.Finish("e=invalid-proof"u8).ShouldBe(ScramFailure.WrongPassword);
    }

    [Fact]
    public void The_server_gives_the_answers_of_rfc_7677()
    {
        var server = new ScramServerExchange(ScramVerifier.Create("pencil", Salt, 4096), false, null, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        server.Start("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"u8, out var first).ShouldBe(ScramFailure.None);
        Text(first).ShouldBe("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        server.Finish(
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="u8,
            out var final).ShouldBe(ScramFailure.None);
        Text(final).ShouldBe("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    [Theory]
    [InlineData(ScramBinding.None)]
    [InlineData(ScramBinding.NotOffered)]
    [InlineData(ScramBinding.ServerEndPoint)]
    public void Both_sides_agree_whatever_the_password(ScramBinding binding)
    {
        var property = Prop.ForAll<NonNull<string>>(password =>
        {
            var verifier = ScramVerifier.Create(password.Get, Salt, 2);
            var (client, server) = Pair(new ScramClientExchange(password.Get, binding, Certificate(1)), verifier, binding, Certificate(1));
            return client == ScramFailure.None && server == ScramFailure.None;
        });
        Seeded.Check(property, 50);
    }

    [Fact]
    public void Keys_that_a_client_has_shown_log_in_to_the_same_verifier()
    {
        var verifier = ScramVerifier.Create("secret", Salt, 10);
        var server = new ScramServerExchange(verifier, false, null);
        Run(new ScramClientExchange("secret", ScramBinding.None, null), server).ShouldBe((ScramFailure.None, ScramFailure.None));
        var keys = server.Keys.ShouldNotBeNull();
        Pair(new ScramClientExchange(keys, ScramBinding.None, null), verifier, ScramBinding.None, null)
            .ShouldBe((ScramFailure.None, ScramFailure.None));
        var other = ScramVerifier.Create("secret");
        Pair(new ScramClientExchange(keys, ScramBinding.None, null), other, ScramBinding.None, null).Client.ShouldBe(ScramFailure.OtherSalt);
    }

    [Fact]
    public void A_wrong_password_gives_no_keys()
    {
        var server = new ScramServerExchange(ScramVerifier.Create("right", Salt, 2), false, null);
        Run(new ScramClientExchange("wrong", ScramBinding.None, null), server).Server.ShouldBe(ScramFailure.WrongPassword);
        server.Keys.ShouldBeNull();
    }

    [Fact]
    public void Another_certificate_fails_the_channel_binding()
    {
        var verifier = ScramVerifier.Create("secret", Salt, 2);
        Pair(new ScramClientExchange("secret", ScramBinding.ServerEndPoint, Certificate(1)), verifier, ScramBinding.ServerEndPoint, Certificate(2))
            .Server.ShouldBe(ScramFailure.ChannelBinding);
    }

    [Fact]
    public void A_client_that_was_not_shown_the_plus_mechanism_is_told()
    {
        var server = new ScramServerExchange(ScramVerifier.Create("secret", Salt, 2), false, Certificate(1));
        server.Start(new ScramClientExchange("secret", ScramBinding.NotOffered, null).Start(), out _).ShouldBe(ScramFailure.ChannelBinding);
    }

    [Fact]
    public void A_server_without_the_verifier_is_found_out()
    {
        var verifier = ScramVerifier.Create("secret", Salt, 2);
        var impostor = verifier with { ServerKey = new byte[32] };
        Pair(new ScramClientExchange("secret", ScramBinding.None, null), impostor, ScramBinding.None, null).Client.ShouldBe(ScramFailure.WrongServer);
    }

    [Fact]
    public void Unknown_users_have_the_same_salt_every_time_and_no_password()
    {
        var mocks = ScramMockVerifiers.CreateRandom();
        mocks.For("alice").Salt.ShouldBe(mocks.For("alice").Salt);
        mocks.For("alice").Salt.ShouldNotBe(mocks.For("bob").Salt);
        Pair(new ScramClientExchange("", ScramBinding.None, null), mocks.For("alice"), ScramBinding.None, null).Server.ShouldBe(ScramFailure.WrongPassword);
    }

    [Theory]
    [InlineData("")]
    [InlineData("n")]
    [InlineData("n,")]
    [InlineData("n,,")]
    [InlineData("n,a=x,n=,r=abc")]
    [InlineData("n,,m=ext,n=,r=abc")]
    [InlineData("n,,n=")]
    [InlineData("n,,n=,r=")]
    [InlineData("n,,n=,r=a b")]
    [InlineData("n,,n=,r=abc,")]
    [InlineData("x,,n=,r=abc")]
    [InlineData("p=tls-unique,,n=,r=abc")]
    [InlineData("p=tls-server-end-point,,n=,r=abc")]
    public void A_malformed_first_message_is_refused(string message)
    {
        var server = new ScramServerExchange(ScramVerifier.Create("secret", Salt, 2), false, null);
        server.Start(Encoding.UTF8.GetBytes(message), out _).ShouldBe(ScramFailure.Malformed);
    }

    [Fact]
    public void Mutated_messages_never_throw_and_never_log_in()
    {
        var random = new Random(20261121);
        var verifier = ScramVerifier.Create("secret", Salt, 2);
        for (var i = 0; i < 5_000; i++)
        {
            var server = new ScramServerExchange(verifier, false, null);
            var client = new ScramClientExchange("secret", ScramBinding.None, null);
            var first = client.Start();
            if (i % 3 == 0)
                Mutate(random, ref first);
            if (server.Start(first, out var serverFirst) != ScramFailure.None)
                continue;
            if (i % 3 == 1)
                Mutate(random, ref serverFirst);
            if (client.Continue(serverFirst, out var final) != ScramFailure.None)
                continue;
            var sound = (byte[])final.Clone();
            if (i % 3 == 2)
                Mutate(random, ref final);
            var outcome = server.Finish(final, out var serverFinal);
            if (i % 3 == 2 && !final.AsSpan().SequenceEqual(sound))
                outcome.ShouldNotBe(ScramFailure.None);
            Mutate(random, ref serverFinal);
            client.Finish(serverFinal);
        }
    }

    private static (ScramFailure Client, ScramFailure Server) Pair(ScramClientExchange client, ScramVerifier verifier, ScramBinding binding, byte[]? certificate) =>
        Run(client, new ScramServerExchange(verifier, binding == ScramBinding.ServerEndPoint, binding == ScramBinding.ServerEndPoint ? certificate : null));

    private static (ScramFailure Client, ScramFailure Server) Run(ScramClientExchange client, ScramServerExchange server)
    {
        var started = server.Start(client.Start(), out var serverFirst);
        if (started != ScramFailure.None)
            return (ScramFailure.None, started);
        var continued = client.Continue(serverFirst, out var clientFinal);
        if (continued != ScramFailure.None)
            return (continued, ScramFailure.None);
        var finished = server.Finish(clientFinal, out var serverFinal);
        return (finished == ScramFailure.None ? client.Finish(serverFinal) : ScramFailure.None, finished);
    }

    private static void Mutate(Random random, ref byte[] message)
    {
        for (var n = random.Next(1, 4); n > 0 && message.Length > 0; n--)
        {
            switch (random.Next(3))
            {
                case 0:
                    message[random.Next(message.Length)] = (byte)random.Next(256);
                    break;
                case 1:
                    Array.Resize(ref message, random.Next(message.Length + 1));
                    break;
                default:
                    message[random.Next(message.Length)] = (byte)",=yn"[random.Next(4)];
                    break;
            }
        }
    }

    private static byte[] Certificate(byte number) => SHA256.HashData([number]);

    private static string Text(byte[] bytes) => Encoding.ASCII.GetString(bytes);
}
