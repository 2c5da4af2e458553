using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Pooling;

/// <summary>
/// Random work on a pool, watched by a model: never more connections than the size and what holders of others may have
/// beyond it, no newcomer overtaken by another of its loop, nobody forgotten, no connection with two users.
/// </summary>
public sealed class ServerPoolModelTests
{
    private const int Steps = 400;
    private const int Others = 2;

    private readonly ManualLoop[] _loops = [new(0), new(1)];
    private readonly ManualOpener _opener = new();
    private int _largestSize;

    [Fact]
    public void Every_request_is_answered_in_turn()
    {
        for (var seed = 0; seed < 60; seed++)
            new ServerPoolModelTests().Run(new Random(seed), seed);
    }

    private void Run(Random random, int seed)
    {
        _largestSize = random.Next(1, 5);
        var pool = new ServerPool(_opener, 0, "s0", _largestSize, loops: 2, Others);
        var clients = Enumerable.Range(0, 8).Select(i => new Client(_loops[i % 2], pool)).ToList();
        var queues = new List<Client>[] { [], [], [] };
        for (var step = 0; step < Steps; step++)
        {
            var client = clients[random.Next(clients.Count)];
            switch (random.Next(10))
            {
                case < 4 when client is { Server: null, Waits: false }:
                    client.Ask(random.Next(3) == 0 ? random.Next(1, Others + 1) : 0);
                    if (client.Waits)
                        queues[client.Queue].Add(client);
                    break;
                case 4 or 5 when client.Server is not null:
                    client.GiveBack(discard: false);
                    break;
                case 6 when client.Server is not null && random.Next(4) == 0:
                    client.GiveBack(discard: true);
                    break;
                case 6 when client.Waits && random.Next(4) == 0:
                    queues[client.Queue].Remove(client);
                    client.Leave();
                    break;
                case 7 when _opener.PendingCount > 0:
                    _opener.Succeed();
                    break;
                case 8 when _opener.PendingCount > 0 && random.Next(3) == 0:
                    _opener.Fail();
                    break;
                case 9 when random.Next(20) == 0:
                    KillOne(random);
                    break;
                case 9 when random.Next(20) == 0:
                    pool.Size = random.Next(1, 5);
                    _largestSize = Math.Max(_largestSize, pool.Size);
                    break;
            }
            Settle(queues);
            Check(pool, clients, $"seed {seed}, step {step}");
        }
        Finish(pool, clients, queues, seed);
    }

    private void Finish(ServerPool pool, List<Client> clients, List<Client>[] queues, int seed)
    {
        for (var round = 0; round < 100 && clients.Exists(static client => client.Waits); round++)
        {
            foreach (var client in clients.Where(static client => client.Server is not null))
                client.GiveBack(discard: false);
            while (_opener.PendingCount > 0)
                _opener.Succeed();
            Settle(queues);
        }
        clients.Exists(static client => client.Waits).ShouldBeFalse($"seed {seed}: forgotten");
        foreach (var client in clients.Where(static client => client.Server is not null))
            client.GiveBack(discard: false);
        while (_opener.PendingCount > 0)
            _opener.Succeed();
        Settle(queues);
        pool.Close();
        Settle(queues);
        pool.Count.ShouldBe(0, $"seed {seed}");
        _opener.Opened.TrueForAll(static opened => opened.Connection.IsDisposed).ShouldBeTrue($"seed {seed}");
    }

    private void KillOne(Random random)
    {
        var alive = _opener.Opened.Where(static opened => !opened.Connection.IsDisposed).ToList();
        if (alive.Count > 0)
            alive[random.Next(alive.Count)].Far.Dispose();
    }

    private void Settle(List<Client>[] queues)
    {
        foreach (var loop in _loops)
            loop.RunUntilIdle();
        queues[Client.HoldersQueue].RemoveAll(static client => client.TryTake());
        foreach (var queue in queues)
        {
            // Several may have been answered in one step; those must be the first ones of the queue.
            while (queue.Count > 0 && queue[0].TryTake())
                queue.RemoveAt(0);
            queue.Exists(static client => client.TryTake()).ShouldBeFalse("overtaken");
        }
        foreach (var loop in _loops)
            loop.RunUntilIdle();
    }

    private void Check(ServerPool pool, List<Client> clients, string at)
    {
        var held = clients.Where(static client => client.Server is not null).Select(static client => client.Server!).ToList();
        held.Distinct().Count().ShouldBe(held.Count, at);
        held.TrueForAll(static server => server.State == ServerState.Leased).ShouldBeTrue(at);
        var alive = _opener.Opened.Count(static opened => opened.Server.State != ServerState.Closed);
        pool.Count.ShouldBe(alive + _opener.PendingCount, at);
        // A size made smaller closes nothing that is in use.
        (held.Count + pool.IdleCount).ShouldBe(alive, at);
        if (pool.IdleCount > 0)
            clients.Exists(client => client.Waits && held.Count < pool.Size + client.Held).ShouldBeFalse(at);
        clients.Count(static client => client is { Server: not null, Held: 0 }).ShouldBeLessThanOrEqualTo(_largestSize, at);
        pool.WaitingCount.ShouldBe(clients.Count(static client => client.Waits), at);
        pool.Count.ShouldBeLessThanOrEqualTo(_largestSize + Others, at);
    }

    private sealed class Client(ManualLoop loop, ServerPool pool)
    {
        private readonly LeaseRequest _request = new(new LoopSignal(loop));
        private ServerError? _failure;

        public const int HoldersQueue = 2;

        public int Held => _request.Held;

        public int Queue => Held > 0 ? HoldersQueue : loop.Index;

        public bool Waits { get; private set; }

        public ServerConnection? Server { get; private set; }

        public void Ask(int held)
        {
            _request.Held = held;
            Server = pool.TryLease(_request);
            Waits = Server is null;
            Server?.Channel.Connection.Loop.ShouldBeSameAs(loop);
        }

        public bool TryTake()
        {
            if (!_request.TryTake(out var server, out _failure))
                return false;
            Waits = false;
            Server = server;
            (server is null ^ _failure is null).ShouldBeTrue();
            server?.Channel.Connection.Loop.ShouldBeSameAs(loop);
            return true;
        }

        public void GiveBack(bool discard)
        {
            var server = Server!;
            Server = null;
            if (discard)
                pool.Discard(server);
            else
                pool.Release(server);
        }

        public void Leave()
        {
            Waits = false;
            pool.Withdraw(_request);
        }
    }
}
