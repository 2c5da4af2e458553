using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions;

/// <summary>How far one definition has come on each shard. Written by its session, read by anybody.</summary>
/// <param name="client">The session's id.</param>
/// <param name="statement">The kind of statement, in lower case.</param>
/// <param name="shards">Names, by index.</param>
public sealed class DefinitionRun(DefinitionProgress progress, int client, string statement, string? subject, IReadOnlyList<string> shards) : IDisposable
{
    private readonly int[] _steps = new int[shards.Count];
    private volatile string? _error;
    private volatile bool _succeeded;
    private volatile bool _ended;

    public int Client => client;

    public string Statement => statement;

    public string? Subject => subject;

    /// <summary>PostgreSQL refuses it in a block: what has been done on a shard stays done.</summary>
    public bool IsOneByOne { get; init; }

    public DateTimeOffset Since { get; } = DateTimeOffset.UtcNow;

    public string State => !_ended ? "running" : _succeeded ? "done" : _error is { } error ? $"failed: {error}" : "failed";

    public void At(int shard) => Volatile.Write(ref _steps[shard], (int)DefinitionStep.At);

    public void Done(int shard) => Volatile.Write(ref _steps[shard], (int)DefinitionStep.Done);

    /// <summary>SQLSTATE alone: an error's text can hold values.</summary>
    public void Fail(ServerError error) => _error ??= error.SqlState;

    public void Succeed() => _succeeded = true;

    /// <summary>The names of the shards that have come so far, in order.</summary>
    public IEnumerable<string> Where(DefinitionStep step)
    {
        for (var shard = 0; shard < _steps.Length; shard++)
        {
            if (Volatile.Read(ref _steps[shard]) == (int)step)
                yield return shards[shard];
        }
    }

    public void Dispose()
    {
        _ended = true;
        progress.End(this);
    }
}

public enum DefinitionStep
{
    ToDo,
    At,
    Done,
}
