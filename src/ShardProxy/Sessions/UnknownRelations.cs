using ShardProxy.Planning;

namespace ShardProxy.Sessions;

/// <summary>
/// Decides when a text that names an unknown relation is worth another look at the catalog: a relation made past the
/// proxy must be found, and a client that keeps asking for one that does not exist must not have the catalog read each time.
/// </summary>
public sealed class UnknownRelations
{
    private const long PauseMilliseconds = 1_000;

    private long _notBefore;

    public bool ShouldLookAgain(Session session, StatementTemplate template)
    {
        // In an open block the relation may be the block's own, which nobody else sees yet.
        if (session.Transaction.IsOpen || !NamesUnknown(template))
            return false;
        var now = Environment.TickCount64;
        var notBefore = Interlocked.Read(ref _notBefore);
        return now >= notBefore && Interlocked.CompareExchange(ref _notBefore, now + PauseMilliseconds, notBefore) == notBefore;
    }

    private static bool NamesUnknown(StatementTemplate template)
    {
        foreach (var statement in template.Statements)
        {
            if ((statement.Traits & Traits.NamesUnknownRelation) != 0)
                return true;
        }
        return false;
    }
}
