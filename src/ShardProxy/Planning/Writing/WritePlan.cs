using System.Collections.Immutable;
using ShardProxy.Directory;
using ShardProxy.Planning.Spreading;

namespace ShardProxy.Planning.Writing;

/// <summary>A statement that writes on several shards, in one transaction on all of them.</summary>
public sealed record WritePlan(SpreadKeys Keys, WriteDraft Draft) : SeveralShardsPlan(Keys)
{
    /// <summary>Strings of the statement may be read as dates or times, and then some words mean the time at which they are read (<see cref="ClockTexts"/>).</summary>
    public bool ReadsTimes { get; init; }

    /// <summary>Changes what a global index has entries of: they are changed with the rows.</summary>
    public bool KeepsEntries { get; init; }

    /// <summary>The draft holds offsets of this very text.</summary>
    public bool IsForOneText => Draft is not (OwnRowsDraft { Edits.IsEmpty: true } or OneShardDraft);
}

/// <summary>What the shards are sent: a small closed set.</summary>
public abstract record WriteDraft
{
    /// <summary>Places of the text that another text stands in for on all shards alike; in order, none within another.</summary>
    public ImmutableArray<TextEdit> Edits { get; init; } = [];
}

/// <summary>Each shard runs the statement for the rows that it has: UPDATE, DELETE, MERGE, INSERT … SELECT of colocated rows.</summary>
public sealed record OwnRowsDraft : WriteDraft
{
    /// <summary>The distributed tables whose rows it changes or deletes; not those to which it only adds.</summary>
    public ImmutableArray<QualifiedName> Changed { get; init; } = [];

    /// <summary>It changes one row at most, of one value of a global index, which may say on which shard the row is; null otherwise.</summary>
    public EntryLookup? Lookup { get; init; }
}

/// <summary>All rows are on one shard, which runs the statement as it stands, and something is to be done on others besides.</summary>
/// <param name="One">Which shard, and what is done when the keys of an execution live on several.</param>
public sealed record OneShardDraft(OneShardPlan One) : WriteDraft;

/// <summary>INSERT … VALUES: each row goes to the shard of its key, a shard's rows in one statement.</summary>
/// <param name="Rows">In the order of the text.</param>
public sealed record SplitRowsDraft(ImmutableArray<InsertedRow> Rows) : WriteDraft
{
    /// <summary>An ON CONFLICT in which global indexes have a say, so that a row may go where the one is with which it conflicts; null otherwise.</summary>
    public GlobalConflict? Conflict { get; init; }
}

/// <param name="Start">Byte offset of the opening parenthesis.</param>
/// <param name="End">Behind the closing one.</param>
/// <param name="Key">The key to be stored.</param>
public sealed record InsertedRow(int Start, int End, KeySet Key);

/// <summary>Bytes <paramref name="Start"/> up to <paramref name="End"/> of the text become <paramref name="Text"/>.</summary>
/// <param name="Text">With <see cref="StatementClock"/>'s marks where the time of the transaction or statement goes.</param>
public sealed record TextEdit(int Start, int End, string Text);
