using ShardProxy.Pooling;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Pooling;

/// <summary>
/// Transactions that need connections of several small pools, in any order, and keep what they have until they have all:
/// they would wait for each other for ever if each pool lent just its size.
/// </summary>
public sealed class CircularWaitTests
{
    private const int Clients = 12;

    private readonly ManualLoop _loop = new(0);

    [Fact]
    public void Transactions_over_several_pools_all_come_to_their_end()
    {
        for (var seed = 0; seed < 200; seed++)
            new CircularWaitTests().Run(new Random(seed), seed);
    }

    private void Run(Random random, int seed)
    {
        var size = random.Next(1, 4);
        var shards = random.Next(2, 5);
        var openers = Enumerable.Range(0, shards).Select(static _ => new ManualOpener()).ToList();
        var pools = openers.Select((opener, shard) => new ServerPool(opener, shard, $"s{shard}", size, loops: 1, shards - 1)).ToList();
        var clients = Enumerable.Range(0, Clients).Select(_ => new Client(_loop)).ToList();
        var left = 300;
        for (var idle = 0; left > 0 || clients.Exists(static client => client.IsBusy); idle++)
        {
            foreach (var client in clients.OrderBy(_ => random.Next()).ToList())
            {
                if (!client.IsBusy && left > 0)
                {
                    left--;
                    client.Begin(pools.OrderBy(_ => random.Next()).Take(random.Next(1, shards + 1)));
                    idle = 0;
                }
                if (client.Step())
                    idle = 0;
                _loop.RunUntilIdle();
            }
            foreach (var opener in openers.Where(static opener => opener.PendingCount > 0))
            {
                opener.Succeed();
                idle = 0;
            }
            _loop.RunUntilIdle();
            idle.ShouldBeLessThan(3, $"seed {seed}: all wait, {shards} pools of {size}");
        }
        foreach (var pool in pools)
            pool.Count.ShouldBeLessThanOrEqualTo(size + shards - 1, $"seed {seed}");
    }

    private sealed class Client(ManualLoop loop)
    {
        private readonly LeaseRequest _request = new(new LoopSignal(loop));
        private readonly List<ServerConnection> _held = [];
        private Queue<ServerPool> _wanted = [];
        private bool _waits;

        public bool IsBusy => _held.Count > 0 || _wanted.Count > 0;

        public void Begin(IEnumerable<ServerPool> pools) => _wanted = new Queue<ServerPool>(pools);

        /// <summary>Asks for the next connection, takes what it waits for, or ends the transaction. Whether anything came of it.</summary>
        public bool Step()
        {
            if (_waits)
            {
                if (!_request.TryTake(out var granted, out _))
                    return false;
                _waits = false;
                _held.Add(granted!);
                _wanted.Dequeue();
                return true;
            }
            if (_wanted.TryPeek(out var pool))
            {
                _request.Held = _held.Count;
                if (pool.TryLease(_request) is { } server)
                {
                    _held.Add(server);
                    _wanted.Dequeue();
                }
                else
                {
                    _waits = true;
                }
                return true;
            }
            foreach (var server in _held)
                server.Pool.Release(server);
            var any = _held.Count > 0;
            _held.Clear();
            return any;
        }
    }
}
