using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using ShardProxy.Directory;

namespace ShardProxy.Control.Fleet;

/// <summary>
/// This proxy's part in the fleet of one database: it renews the lease and says which version it serves, takes over what
/// others have changed, puts back what the store has lost, and waits for the others where a change must be seen by all.
/// One round every half second, and one at once when a notice comes in. See docs/decisions/fleet-confirms-changes.md.
/// </summary>
internal sealed partial class FleetMember : IAsyncDisposable
{
    /// <summary>A change is found within a second though its notice was lost.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>Between looks at what the others have confirmed.</summary>
    private static readonly TimeSpan ConfirmationInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>Beyond the lease, for clocks that do not run quite alike.</summary>
    private static readonly TimeSpan LeaseMargin = TimeSpan.FromSeconds(2);

    /// <summary>For the others to read the catalogs after a definition. Whoever takes longer follows when it can.</summary>
    private static readonly TimeSpan SchemaPatience = TimeSpan.FromSeconds(3);

    /// <summary>For the others to tell a store that has lost its memory what they remember: they look twice a second.</summary>
    private static readonly TimeSpan EpochPatience = TimeSpan.FromSeconds(5);

    private readonly DatabaseDirectory _directory;
    private readonly FleetActions _actions;
    private readonly TimeSpan _lease;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<bool> _wakes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly SemaphoreSlim _round = new(1);
    private readonly ProxyReport _self;
    private Task _loop = Task.CompletedTask;
    private readonly SchemaChanges _schemas = new();
    private long _lastRenewal;
    private bool _hasRenewed;
    private string? _failure;
    private bool _leaseLost;
    private readonly EpochWatch _epochs;

    public FleetMember(DatabaseDirectory directory, FleetActions actions, TimeSpan lease, ILogger logger, TimeProvider clock)
    {
        _directory = directory;
        _actions = actions;
        _lease = lease;
        _logger = logger;
        _clock = clock;
        var now = clock.GetUtcNow();
        _epochs = new EpochWatch(lease + LeaseMargin, clock);
        _self = new ProxyReport(Guid.CreateVersion7(now).ToString(), $"{Environment.MachineName}:{Environment.ProcessId}", 0, now, now);
    }

    /// <summary>Of this proxy in the fleet.</summary>
    public string Id => _self.Id;

    /// <summary>Takes the first lease, if the store can be reached, and goes on in the background.</summary>
    public async Task StartAsync()
    {
        _directory.Store.Noticed += OnNotice;
        if (_directory.IsFromCopy)
            StartedFromCopy(_directory.Database, _directory.Store.Location, _directory.Copy!.Path, _directory.Content.Version);
        await TryRoundAsync();
        _loop = Task.Run(RunAsync);
    }

    /// <summary>
    /// Completes when every proxy that holds a lease serves <paramref name="version"/> or a later one. A proxy that does not
    /// answer for the length of a lease has none any more and knows so itself, so the wait is bounded.
    /// </summary>
    public async Task WaitForAllAsync(long version)
    {
        var began = _clock.GetTimestamp();
        await TryRoundAsync();
        if (!await WaitForOthersAsync(proxy => proxy.Version >= version, began, _lease + LeaseMargin))
            NotConfirmed(_directory.Database, version, _lease.TotalSeconds);
    }

    /// <summary>Completes when the transactions of every proxy that holds a lease have let go of the keys that are moved up to this number.</summary>
    /// <returns>False when some have not in time.</returns>
    public Task<bool> WaitForDrainedAsync(long number, TimeSpan patience) =>
        WaitForOthersAsync(proxy => proxy.Drained >= number, _clock.GetTimestamp(), patience);

    /// <summary>Whether what the store of this epoch says of keys' places is all that any live proxy knows.</summary>
    public bool IsWhole(string epoch) => _epochs.IsWhole(epoch);

    /// <summary>Completes when <see cref="IsWhole"/>.</summary>
    /// <returns>False when that took too long.</returns>
    public async Task<bool> WaitUntilWholeAsync(string epoch, CancellationToken cancel)
    {
        var began = _clock.GetTimestamp();
        while (!_epochs.IsWhole(epoch))
        {
            if (_clock.GetElapsedTime(began) > EpochPatience)
                return false;
            Wake();
            await Task.Delay(ConfirmationInterval, _clock, cancel);
        }
        return true;
    }

    /// <summary>Says at once what is new of this proxy.</summary>
    public void Wake() => _wakes.Writer.TryWrite(true);

    /// <summary>The proxies that hold a lease.</summary>
    public async Task<IReadOnlyList<string>> LiveAsync() =>
        [.. (await _directory.Store.ProxiesAsync(_directory.Database, CancellationToken.None)).Select(static proxy => proxy.Id)];

    /// <summary>The shards' catalogs have changed by this proxy's doing. Completes when the others have read them again, or have had time to.</summary>
    public async Task TellOfSchemaAsync()
    {
        var change = Guid.NewGuid().ToString("N");
        var began = _clock.GetTimestamp();
        try
        {
            await _directory.Store.NotifyAsync(_directory.Database, new DirectoryNotice(change), CancellationToken.None);
            while (_clock.GetElapsedTime(began) < SchemaPatience && !await HaveOthersAsync(proxy => SchemaChanges.Has(proxy.Schemas, change)))
                await Task.Delay(ConfirmationInterval, _clock);
        }
        catch (DirectoryException)
        {
            // The others look at the catalogs by themselves now and then.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _directory.Store.Noticed -= OnNotice;
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            if (_hasRenewed && _failure is null)
                await _directory.Store.LeaveAsync(_directory.Database, _self.Id, CancellationToken.None);
        }
        catch (DirectoryException)
        {
            // The lease ends by itself.
        }
        _stop.Dispose();
    }

    private async Task<bool> WaitForOthersAsync(Func<ProxyReport, bool> hasConfirmed, long began, TimeSpan patience)
    {
        while (_clock.GetElapsedTime(began) < patience)
        {
            try
            {
                if (await HaveOthersAsync(hasConfirmed))
                    return true;
            }
            catch (DirectoryException)
            {
                // Not answered is not confirmed.
            }
            await Task.Delay(ConfirmationInterval, _clock);
        }
        return false;
    }

    /// <summary>Whether every other proxy that holds a lease reports what is waited for.</summary>
    private async Task<bool> HaveOthersAsync(Func<ProxyReport, bool> hasConfirmed) =>
        (await _directory.Store.ProxiesAsync(_directory.Database, CancellationToken.None)).All(proxy => proxy.Id == _self.Id || hasConfirmed(proxy));

    private void OnNotice(string database, DirectoryNotice notice)
    {
        if (database != _directory.Database)
            return;
        if (notice.Schema is { } change)
            _ = FollowSchemaAsync(change);
        else
            Wake();
    }

    private async Task FollowSchemaAsync(string change)
    {
        if (!await _actions.RefreshCatalog())
            return;
        _schemas.Add(change);
        Wake();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _wakes.Reader.WaitToReadAsync(_stop.Token).AsTask().WaitAsync(Interval, _clock, _stop.Token);
                _wakes.Reader.TryRead(out _);
            }
            catch (TimeoutException)
            {
                // Nobody called: the regular round.
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await TryRoundAsync();
        }
    }

    private async Task TryRoundAsync()
    {
        await _round.WaitAsync();
        try
        {
            await RoundAsync();
            if (_failure is not null)
                Answers(_directory.Database, _directory.Store.Location);
            _failure = null;
        }
        catch (DirectoryException exception)
        {
            if (_failure != exception.Message)
                DoesNotAnswer(_directory.Database, exception.Message);
            _failure = exception.Message;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            RoundBroke(_directory.Database, exception);
            _failure = exception.Message;
        }
        finally
        {
            CheckLease();
            _round.Release();
        }
    }

    private async Task RoundAsync()
    {
        var epoch = await _actions.Keys.LookAsync(Wake, _stop.Token);
        var at = await RenewAsync();
        var proxies = await _directory.Store.ProxiesAsync(_directory.Database, _stop.Token);
        // Read in one life of the store, or not to be compared with what was read before.
        if (await _actions.Keys.NowAsync(_stop.Token) == epoch)
            _epochs.Note(epoch, proxies);
        if (_directory.IsFromCopy)
        {
            await _directory.ReloadAsync(_stop.Token);
            _actions.ApplyFile();
        }
        var content = _directory.Content;
        if (at.Version == content.Version && at.Revision == content.Revision)
            return;
        if (at.Version < content.Version)
            WentBack(_directory.Database, _directory.Store.Location, at.Version, content.Version);
        await _directory.ReloadAsync(_stop.Token);
        // The same number by another name: the store lost a version and was given another in its place.
        if (at.Version == content.Version && await _directory.MergeLostAsync(content, _stop.Token))
            Merged(_directory.Database, content.Version);
        await _actions.Publish();
        await RenewAsync();
        _ = _actions.RefreshCatalog();
    }

    private async Task<StoreVersion> RenewAsync()
    {
        // From before the call: the store counts from when it got it.
        var began = _clock.GetTimestamp();
        var served = await _actions.Served();
        var report = _self with { Version = served, Drained = _actions.Drained(), Epoch = _actions.Keys.Epoch, Schemas = _schemas.Names };
        var at = await _directory.Store.ReportAsync(_directory.Database, report, _lease, _stop.Token);
        _lastRenewal = began;
        _hasRenewed = true;
        return at;
    }

    private void CheckLease()
    {
        var lost = !_hasRenewed || _clock.GetElapsedTime(_lastRenewal) > _lease;
        if (lost == _leaseLost)
            return;
        _leaseLost = lost;
        _actions.SetLeaseLost(lost);
        if (lost)
            LeaseLost(_directory.Database);
        else
            LeaseRegained(_directory.Database);
    }

    [LoggerMessage(EventId = 7201, Level = LogLevel.Warning, Message = "database {Database}: the directory {Location} cannot be reached; started with the local copy {Path} at version {Version}")]
    private partial void StartedFromCopy(string database, string location, string path, long version);

    [LoggerMessage(EventId = 7202, Level = LogLevel.Warning, Message = "database {Database}: {Reason}; statements run on, changes of the directory are refused")]
    private partial void DoesNotAnswer(string database, string reason);

    [LoggerMessage(EventId = 7203, Level = LogLevel.Information, Message = "database {Database}: the directory {Location} answers again")]
    private partial void Answers(string database, string location);

    [LoggerMessage(EventId = 7204, Level = LogLevel.Warning, Message = "database {Database}: the directory {Location} is at version {At} after it was at {Known}; what it lost is put back")]
    private partial void WentBack(string database, string location, long at, long known);

    [LoggerMessage(EventId = 7205, Level = LogLevel.Error, Message = "database {Database}: the directory had lost version {Version} and was changed since; the tables that it lacks are declared again")]
    private partial void Merged(string database, long version);

    [LoggerMessage(EventId = 7206, Level = LogLevel.Error, Message = "database {Database}: the lease in the directory has ended; writes to tables that are not distributed are refused until it is renewed")]
    private partial void LeaseLost(string database);

    [LoggerMessage(EventId = 7207, Level = LogLevel.Information, Message = "database {Database}: the lease in the directory is renewed")]
    private partial void LeaseRegained(string database);

    [LoggerMessage(EventId = 7208, Level = LogLevel.Warning, Message = "database {Database}: not every proxy has confirmed version {Version} within its lease of {Seconds} s; those that have not hold none any more")]
    private partial void NotConfirmed(string database, long version, double seconds);

    [LoggerMessage(EventId = 7209, Level = LogLevel.Error, Message = "database {Database}: the directory cannot be followed")]
    private partial void RoundBroke(string database, Exception exception);
}
