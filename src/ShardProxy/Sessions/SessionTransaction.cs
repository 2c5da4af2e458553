using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions;

/// <summary>
/// The client's transaction block as the client sees it: nothing here talks to a server. BEGIN only opens it; what was
/// done since that belongs to every shard (savepoints, SET) is kept as a log, and a shard that joins later is sent BEGIN
/// and the log before its first statement, so that it stands where the others stand.
/// </summary>
/// <remarks>
/// <code>
///            Begin                         Fail
///   Idle ───────────► InTrans ───────────────────► Failed
///    ▲                 │   ▲                         │
///    │      End        │   │      RollbackTo         │
///    └─────────────────┘   └─────────────────────────┤
///    └────────────────────────── End ────────────────┘
/// </code>
/// An implicit block is what PostgreSQL makes of several statements in one simple Query: it ends with the text.
/// </remarks>
public sealed class SessionTransaction
{
    /// <summary>No shard has written.</summary>
    public const int NoWriter = -1;

    private static readonly byte[] PlainBegin = "BEGIN"u8.ToArray();

    private readonly List<LogEntry> _log = [];
    private SettingsState _settingsAtBegin = SettingsState.Empty;
    private List<int>? _otherWriters;
    private List<int>? _entryWriters;
    private List<int>? _lockers;

    public TransactionStatus Status { get; private set; } = TransactionStatus.Idle;

    public bool IsImplicit { get; private set; }

    /// <summary>Of the block, open or ended last; the next one has the next.</summary>
    public long Number { get; private set; }

    public bool IsOpen => Status != TransactionStatus.Idle;

    /// <summary>The BEGIN that a joining shard is sent.</summary>
    public byte[] BeginText { get; private set; } = PlainBegin;

    public IReadOnlyList<LogEntry> Log => _log;

    /// <summary>The session's settings before BEGIN: what a joining shard has before the log is replayed.</summary>
    public SettingsState SettingsAtBegin => _settingsAtBegin;

    /// <summary>The shard that has written in this block first, or <see cref="NoWriter"/>.</summary>
    public int WriterShard { get; private set; } = NoWriter;

    /// <summary>Shards that may have written in this block. Nothing takes one off but the block's end, so ROLLBACK TO leaves it too many at worst.</summary>
    public int WriterCount => WriterShard == NoWriter ? 0 : 1 + (_otherWriters?.Count ?? 0);

    /// <summary>When the block was opened, by <see cref="Environment.TickCount64"/>; of the last one while none is open.</summary>
    public long StartedAt { get; private set; }

    /// <summary>The servers themselves refuse whatever is a lasting write. False as soon as anything was set in the block, which could have changed it.</summary>
    public bool IsReadOnly => SaysReadOnly ?? _settingsAtBegin.Session.Find("default_transaction_read_only") is "on";

    /// <summary>What BEGIN said of it; null when it said nothing.</summary>
    public bool? SaysReadOnly { get; private set; }

    /// <summary>Its statements on a shard all see what the first one saw there: REPEATABLE READ or SERIALIZABLE, by the client's words.</summary>
    public bool KeepsSnapshot => IsSnapshotKept(BeginText)
        || _log.Exists(static entry => entry.Savepoint is null && IsSnapshotKept(entry.Text))
        || _settingsAtBegin.Find("default_transaction_isolation") is "repeatable read" or "serializable";

    private static bool IsSnapshotKept(ReadOnlySpan<byte> text) => ReadOnlyBlock.Names(text, "repeatable") || ReadOnlyBlock.Names(text, "serializable");

    /// <summary>On the home shard the block is a <see cref="ReadOnlyBlock"/>.</summary>
    public bool IsWrapped { get; set; }

    /// <summary>As <see cref="IsReadOnly"/>, by whichever of the client's words, and such that the home shard's block can be a <see cref="ReadOnlyBlock"/>.</summary>
    public bool MayBeWrapped => !IsImplicit
        && !ReadOnlyBlock.IsUndone(BeginText)
        && _log.TrueForAll(static entry => entry.Savepoint is not null || !ReadOnlyBlock.IsUndone(entry.Text))
        && (ReadOnlyBlock.IsAsked(BeginText)
            || _log.Exists(static entry => entry.Savepoint is null && ReadOnlyBlock.IsAsked(entry.Text))
            || _settingsAtBegin.Find("default_transaction_read_only") is "on");

    /// <summary>Names of views and functions over sharded tables that the block has made; null without any. Taken back by nothing but the block's end.</summary>
    public IReadOnlyList<string>? Definitions { get; private set; }

    /// <summary>Notes one of <see cref="Definitions"/>.</summary>
    public void Define(string name) => Definitions = Definitions is null ? [name] : Definitions.Contains(name) ? Definitions : [.. Definitions, name];

    /// <summary>The shard other than home on which rows were brought together in this block, into temporary tables that PostgreSQL does not prepare; -1 for none.</summary>
    public int GatheredOn { get; set; } = -1;

    /// <summary>A statement that writes has gathered on the home shard: its temporary tables are what PostgreSQL refuses to prepare.</summary>
    public bool HasGatheredAtHome { get; set; }

    /// <summary>A statement in the block changed what the catalog says; it is read again after COMMIT.</summary>
    public bool ChangedCatalog { get; set; }

    public void Begin(ReadOnlySpan<byte> text, SettingsState settings, bool? saysReadOnly = null)
    {
        Start(settings, isImplicit: false);
        BeginText = text.ToArray();
        SaysReadOnly = saysReadOnly;
    }

    /// <param name="begin">What joining shards are sent; a plain BEGIN when null.</param>
    public void BeginImplicit(SettingsState settings, byte[]? begin = null)
    {
        Start(settings, isImplicit: true);
        BeginText = begin ?? PlainBegin;
        SaysReadOnly = begin is null ? null : false;
    }

    public bool HasWritten(int shard) => WriterShard == shard || (_otherWriters is not null && _otherWriters.Contains(shard));

    /// <summary>Notes that a shard writes in this block.</summary>
    public void AddWriter(int shard)
    {
        if (WriterShard == NoWriter)
            WriterShard = shard;
        else if (!HasWritten(shard))
            (_otherWriters ??= []).Add(shard);
    }

    /// <summary>Whether all that a writer has written in this block are entries of global indexes.</summary>
    public bool HasEntriesOnly(int shard) => _entryWriters is not null && _entryWriters.Contains(shard);

    /// <summary>Says so of a shard that has just become a writer; or that it has written other things too.</summary>
    public void NoteEntriesOnly(int shard, bool only)
    {
        if (only)
            (_entryWriters ??= []).Add(shard);
        else
            _entryWriters?.Remove(shard);
    }

    /// <summary>Rows were locked on the shard (FOR UPDATE and its kin) for as long as the block lasts.</summary>
    public bool HasLocked(int shard) => _lockers is not null && _lockers.Contains(shard);

    public void AddLocker(int shard)
    {
        if (!HasLocked(shard))
            (_lockers ??= []).Add(shard);
    }

    /// <summary>BEGIN inside an implicit block makes the block an ordinary one, with what has run in it already.</summary>
    public void MakeExplicit() => IsImplicit = false;

    /// <summary>What is in force once the block has failed: PostgreSQL undoes it then, up to the last savepoint.</summary>
    public SettingsState SettingsInFailure => _log.FindLast(static entry => entry.Savepoint is not null)?.Settings ?? _settingsAtBegin;

    /// <summary>Through <see cref="Session.FailBlock"/>, which takes the settings back.</summary>
    public void Fail()
    {
        if (Status == TransactionStatus.InTransaction)
            Status = TransactionStatus.Failed;
    }

    public void End()
    {
        Status = TransactionStatus.Idle;
        IsImplicit = false;
        ForgetWriters();
        ChangedCatalog = false;
        Definitions = null;
        IsWrapped = false;
        GatheredOn = -1;
        HasGatheredAtHome = false;
        BeginText = PlainBegin;
        _log.Clear();
    }

    /// <summary>The server's own word on the block after a statement that the proxy did not read as a transaction statement.</summary>
    public void Adopt(byte serverStatus, SettingsState settings)
    {
        switch (serverStatus)
        {
            case (byte)'I':
                if (IsOpen)
                    End();
                break;
            case (byte)'T':
                if (!IsOpen)
                    Start(settings, isImplicit: false);
                Status = TransactionStatus.InTransaction;
                break;
            case (byte)'E':
                if (!IsOpen)
                    Start(settings, isImplicit: false);
                Status = TransactionStatus.Failed;
                break;
        }
    }

    /// <summary>Appends a statement that every shard of the block must have run.</summary>
    /// <param name="settings">The session's settings after it.</param>
    public void Append(byte[] text, SettingsState settings)
    {
        SaysReadOnly = false;
        _log.Add(new LogEntry(text, null, settings));
    }

    public void Savepoint(string name, byte[] text, SettingsState settings) => _log.Add(new LogEntry(text, name, settings) { Number = ++SavepointsMade });

    /// <summary>Savepoints of this block so far: what opens notes the number, so that it is known what ROLLBACK TO undoes.</summary>
    public int SavepointsMade { get; private set; }

    public int NumberOf(string savepoint) => _log[IndexOfSavepoint(savepoint)].Number;

    public bool HasSavepoints => _log.Exists(static entry => entry.Savepoint is not null);

    public bool HasSavepoint(string name) => IndexOfSavepoint(name) >= 0;

    /// <summary>Savepoints from <paramref name="name"/> on are gone; the settings made since stay.</summary>
    public void Release(string name)
    {
        for (var i = _log.Count - 1; i >= 0; i--)
        {
            var savepoint = _log[i].Savepoint;
            if (savepoint is not null)
                _log.RemoveAt(i);
            if (savepoint == name)
                return;
        }
    }

    /// <summary>Back to just after the savepoint: the settings then.</summary>
    public SettingsState RollbackTo(string name)
    {
        var index = IndexOfSavepoint(name);
        _log.RemoveRange(index + 1, _log.Count - index - 1);
        Status = TransactionStatus.InTransaction;
        return _log[index].Settings;
    }

    private void ForgetWriters()
    {
        WriterShard = NoWriter;
        _otherWriters = null;
        _entryWriters = null;
        _lockers = null;
        SaysReadOnly = null;
    }

    private int IndexOfSavepoint(string name) => _log.FindLastIndex(entry => entry.Savepoint == name);

    private void Start(SettingsState settings, bool isImplicit)
    {
        Number++;
        Status = TransactionStatus.InTransaction;
        IsImplicit = isImplicit;
        ForgetWriters();
        IsWrapped = false;
        BeginText = PlainBegin;
        _settingsAtBegin = settings;
        StartedAt = Environment.TickCount64;
        SavepointsMade = 0;
        _log.Clear();
    }

    /// <param name="Text">The statement.</param>
    /// <param name="Savepoint">The name when it is a SAVEPOINT.</param>
    /// <param name="Settings">The session's settings after it.</param>
    public sealed record LogEntry(byte[] Text, string? Savepoint, SettingsState Settings)
    {
        /// <summary>A savepoint's number in its block, from 1.</summary>
        public int Number { get; init; }
    }
}
