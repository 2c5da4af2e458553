namespace ShardProxy.Control.Authentication;

/// <summary>
/// Answers by user, each kept for its short life; at most one question per user is under way. Bounded: when it is full
/// of live answers, new ones are not kept. Failures are not kept.
/// </summary>
internal sealed class VerifierCache(Func<string, Task<string?>> ask, TimeProvider clock, TimeSpan lifetime, TimeSpan negativeLifetime)
{
    /// <summary>Names are at most 63 bytes and verifiers some 130, so this is about a megabyte.</summary>
    public const int Capacity = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Answer> _answers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task<string?>> _asking = new(StringComparer.Ordinal);
    private int _generation;

    public ValueTask<string?> FindAsync(string user, CancellationToken cancel)
    {
        Task<string?>? asking;
        lock (_lock)
        {
            if (_answers.TryGetValue(user, out var answer) && clock.GetUtcNow() < answer.Until)
                return new ValueTask<string?>(answer.Verifier);
            if (!_asking.TryGetValue(user, out asking))
                _asking[user] = asking = Task.Run(() => AskAsync(user), CancellationToken.None);
        }
        // A caller that gives up leaves the question to the others.
        return new ValueTask<string?>(asking.WaitAsync(cancel));
    }

    /// <summary>Roles have changed, or a login failed by what is kept: nothing asked before now counts any more.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _generation++;
            _answers.Clear();
            _asking.Clear();
        }
    }

    private async Task<string?> AskAsync(string user)
    {
        var generation = Volatile.Read(ref _generation);
        try
        {
            var verifier = await ask(user);
            Keep(user, verifier, generation);
            return verifier;
        }
        finally
        {
            lock (_lock)
            {
                if (generation == _generation)
                    _asking.Remove(user);
            }
        }
    }

    private void Keep(string user, string? verifier, int generation)
    {
        var now = clock.GetUtcNow();
        lock (_lock)
        {
            if (generation != _generation)
                return;
            if (_answers.Count >= Capacity)
            {
                foreach (var (name, answer) in _answers)
                {
                    if (answer.Until <= now)
                        _answers.Remove(name);
                }
            }
            if (_answers.Count < Capacity || _answers.ContainsKey(user))
                _answers[user] = new Answer(verifier, now + (verifier is null ? negativeLifetime : lifetime));
        }
    }

    private readonly record struct Answer(string? Verifier, DateTimeOffset Until);
}
