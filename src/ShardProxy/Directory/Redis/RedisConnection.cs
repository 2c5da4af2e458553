using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;
using ShardProxy.Configuration;
using StackExchange.Redis;

namespace ShardProxy.Directory.Redis;

/// <summary>
/// The connection to Redis behind a timeout, retries with jitter, and a circuit breaker that asks once more (half-open)
/// after a second. Every call is a script or a read that may run twice.
/// </summary>
internal sealed class RedisConnection : IAsyncDisposable
{
    /// <summary>A healthy Redis answers in a millisecond.</summary>
    public static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(1);

    /// <summary>
    /// For a new connection, with TLS and the password, to a server or on a machine that is busy. It is longer than an attempt may
    /// take: what one attempt begins, a later one uses.
    /// </summary>
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private const int Retries = 2;

    /// <summary>How often it is asked which of several servers is the primary.</summary>
    private const int RoleCheckSeconds = 2;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan BreakDuration = TimeSpan.FromSeconds(1);

    private readonly RedisTarget _target;
    private readonly TimeProvider _clock;
    private readonly ResiliencePipeline _pipeline;
    private readonly CircuitBreakerStateProvider _circuit = new();
    private readonly Lock _connecting = new();
    private readonly RedisCertificate _certificate;
    private volatile ConnectionMultiplexer? _multiplexer;
    private Task<ConnectionMultiplexer>? _opening;
    private bool _isDisposed;
    private volatile StoreHealth _health = StoreHealth.Ok;

    public RedisConnection(RedisTarget target, TimeProvider clock)
    {
        _target = target;
        _clock = clock;
        _certificate = new RedisCertificate(target.AuthorityFile);
        var failures = new PredicateBuilder().Handle<RedisException>().Handle<RedisCommandException>().Handle<TimeoutRejectedException>().Handle<TimeoutException>();
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = failures,
                MaxRetryAttempts = Retries,
                Delay = RetryDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
            })
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                ShouldHandle = failures,
                FailureRatio = 0.5,
                MinimumThroughput = 4,
                SamplingDuration = TimeSpan.FromSeconds(10),
                BreakDuration = BreakDuration,
                StateProvider = _circuit,
            })
            .AddTimeout(AttemptTimeout)
            .Build();
    }

    public StoreHealth Health => _health.Failure is null
        ? _health
        : _health with { State = _circuit.CircuitState switch { CircuitState.Open or CircuitState.Isolated => "open", CircuitState.HalfOpen => "half-open", _ => "closed" } };

    /// <summary>Runs each time that a connection is made for the first time: what to listen to.</summary>
    public Func<ISubscriber, Task>? OnConnected { get; set; }

    /// <exception cref="DirectoryUnavailableException">Redis does not answer.</exception>
    public async ValueTask<T> RunAsync<T>(Func<IDatabase, Task<T>> work, CancellationToken cancel)
    {
        try
        {
            var result = await _pipeline.ExecuteAsync(
                async (state, token) =>
                {
                    var database = await state.Self.ConnectAsync(token);
                    // The client has no cancellation: what is not waited for any more may still run later.
                    return await state.Work(database).WaitAsync(token);
                },
                (Self: this, Work: work),
                cancel);
            _health = new StoreHealth("ok", null, _clock.GetUtcNow());
            return result;
        }
        catch (Exception exception) when (exception is RedisException or RedisCommandException or TimeoutRejectedException or TimeoutException or BrokenCircuitException or ObjectDisposedException)
        {
            // An open circuit knows only that it is open; what opened it is worth more.
            var failure = exception is BrokenCircuitException ? _health.Failure ?? "it does not answer" : Explain(exception);
            _health = _health with { State = "closed", Failure = failure };
            throw new DirectoryUnavailableException($"the directory {_target} does not answer: {failure}", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task<ConnectionMultiplexer>? opening;
        lock (_connecting)
        {
            _isDisposed = true;
            opening = _opening;
        }
        if (opening is { IsCompleted: false })
            _ = CloseWhenOpenAsync(opening);
        else if (_multiplexer is { } multiplexer)
            await multiplexer.CloseAsync(allowCommandsToComplete: false);
    }

    private async ValueTask<IDatabase> ConnectAsync(CancellationToken cancel)
    {
        var multiplexer = _multiplexer ?? await Opening().WaitAsync(cancel);
        return multiplexer.GetDatabase(_target.Database);
    }

    /// <summary>The one connection that is being made. It belongs to no attempt, so it is made even when each attempt is given up before.</summary>
    private Task<ConnectionMultiplexer> Opening()
    {
        lock (_connecting)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_opening is null or { IsFaulted: true } or { IsCanceled: true })
                _opening = Task.Run(OpenAsync);
            return _opening;
        }
    }

    private async Task<ConnectionMultiplexer> OpenAsync()
    {
        var options = new ConfigurationOptions
        {
            AbortOnConnectFail = false,
            ConnectTimeout = (int)ConnectTimeout.TotalMilliseconds,
            SyncTimeout = (int)AttemptTimeout.TotalMilliseconds,
            ConnectRetry = 1,
            KeepAlive = 5,
            ConfigCheckSeconds = RoleCheckSeconds,
            Ssl = _target.IsEncrypted,
            Password = _target.Password,
            ClientName = "shardproxy",
        };
        if (_target.IsEncrypted)
        {
            options.SslHost = _target.Addresses[0].Host;
            options.CertificateValidation += _certificate.Validate;
        }
        foreach (var (host, port) in _target.Addresses)
            options.EndPoints.Add(host, port);
        var multiplexer = await ConnectionMultiplexer.ConnectAsync(options);
        try
        {
            if (OnConnected is { } listen)
                await listen(multiplexer.GetSubscriber()).WaitAsync(ConnectTimeout);
        }
        catch
        {
            multiplexer.Dispose();
            throw;
        }
        return _multiplexer = multiplexer;
    }

    private static async Task CloseWhenOpenAsync(Task<ConnectionMultiplexer> opening)
    {
        try
        {
            await (await opening).CloseAsync(allowCommandsToComplete: false);
        }
        catch (Exception exception) when (exception is RedisException or RedisCommandException or TimeoutException)
        {
            // It was not opened, so there is nothing to close.
        }
    }

    // The client library says of a refused certificate only that there is no connection.
    private string Explain(Exception exception) => exception switch
    {
        RedisConnectionException or TimeoutRejectedException or TimeoutException when _certificate.Problem is { } problem => problem,
        TimeoutRejectedException or TimeoutException => $"no answer within {AttemptTimeout.TotalSeconds:0.#} s",
        RedisConnectionException connection => $"no connection ({connection.FailureType})",
        _ => exception.Message,
    };
}
