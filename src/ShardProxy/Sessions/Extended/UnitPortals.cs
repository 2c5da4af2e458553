namespace ShardProxy.Sessions.Extended;

/// <summary>The portals that a unit has bound, in order: those whose BindComplete an error has kept from coming do not exist.</summary>
internal sealed class UnitPortals(Session session)
{
    private readonly List<(byte[] Name, ClientPortal Portal)> _bound = [];
    private int _confirmedBefore;
    private int _answered;

    public void Add(byte[] name, ClientPortal portal)
    {
        if (_bound.Count == 0)
            _confirmedBefore = session.Relay.BindsConfirmed;
        session.Prepared.SetPortal(name, portal);
        _bound.Add((name, portal));
    }

    /// <summary>A BindComplete was written past the relay.</summary>
    public void CountAnswered() => _answered++;

    /// <summary>The unit has failed, and all its replies are in.</summary>
    public void ForgetUnconfirmed()
    {
        for (var i = session.Relay.BindsConfirmed - _confirmedBefore + _answered; i < _bound.Count; i++)
        {
            var (name, portal) = _bound[i];
            if (session.Prepared.TryGetPortal(name, out var known) && ReferenceEquals(known, portal))
                session.Prepared.RemovePortal(name);
        }
    }

    public void Clear()
    {
        _bound.Clear();
        _answered = 0;
    }
}
