namespace ShardProxy.Sessions.Extended;

/// <summary>
/// The statements that a unit has parsed, in order. The client counts on those whose ParseComplete it was sent; what an
/// error kept from being parsed does not exist, and its name is free.
/// </summary>
internal sealed class UnitParses(Session session)
{
    private readonly List<(byte[] Name, ClientStatement Statement, ClientStatement? Before)> _parsed = [];
    private int _confirmedBefore;
    private int _answered;

    /// <summary>Gives the statement its name; the unnamed one takes the place of another.</summary>
    public void Add(byte[] name, ClientStatement statement)
    {
        if (_parsed.Count == 0)
            _confirmedBefore = session.Relay.ParsesConfirmed;
        session.Prepared.TryGetStatement(name, out var before);
        session.Prepared.SetStatement(name, statement);
        _parsed.Add((name, statement, before));
    }

    /// <summary>A ParseComplete was written past the relay.</summary>
    public void CountAnswered() => _answered++;

    /// <summary>The unit has failed, and all its replies are in.</summary>
    /// <param name="failed">The first of them was what failed: a Parse of the unnamed statement drops the one before, come what may.</param>
    public void ForgetUnconfirmed(bool failed)
    {
        var confirmed = session.Relay.ParsesConfirmed - _confirmedBefore + _answered;
        for (var i = _parsed.Count - 1; i >= confirmed; i--)
        {
            var (name, statement, before) = _parsed[i];
            if (!session.Prepared.TryGetStatement(name, out var known) || !ReferenceEquals(known, statement))
                continue;
            if (before is null || (failed && i == confirmed))
                session.Prepared.RemoveStatement(name);
            else
                session.Prepared.SetStatement(name, before);
        }
    }

    public void Clear()
    {
        _parsed.Clear();
        _answered = 0;
    }
}
