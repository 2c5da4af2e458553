namespace ShardProxy.Sessions.Extended;

/// <summary>
/// The statements that a unit has parsed, in order. The client counts on those whose ParseComplete it was sent; what an
/// error kept from being parsed does not exist, and its name is free.
/// </summary>
internal sealed class UnitParses(Session session)
{
    private readonly List<(byte[] Name, ClientStatement Statement)> _parsed = [];
    private int _confirmedBefore;
    private int _answered;

    public void Add(byte[] name, ClientStatement statement)
    {
        if (_parsed.Count == 0)
            _confirmedBefore = session.Relay.ParsesConfirmed;
        _parsed.Add((name, statement));
    }

    /// <summary>A ParseComplete was written past the relay.</summary>
    public void CountAnswered() => _answered++;

    /// <summary>The unit has failed, and all its replies are in.</summary>
    public void ForgetUnconfirmed()
    {
        for (var i = session.Relay.ParsesConfirmed - _confirmedBefore + _answered; i < _parsed.Count; i++)
        {
            var (name, statement) = _parsed[i];
            if (session.Prepared.TryGetStatement(name, out var known) && ReferenceEquals(known, statement))
                session.Prepared.RemoveStatement(name);
        }
    }

    public void Clear()
    {
        _parsed.Clear();
        _answered = 0;
    }
}
