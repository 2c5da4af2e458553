using System.Diagnostics.CodeAnalysis;

namespace ShardProxy.Sessions;

/// <summary>A client's prepared statements and portals by name; the unnamed ones have the empty name.</summary>
public sealed class SessionPrepared
{
    private readonly Dictionary<byte[], ClientStatement> _statements = new(ByteStringComparer.Instance);
    private readonly Dictionary<byte[], ClientStatement>.AlternateLookup<ReadOnlySpan<byte>> _statementsBySpan;
    private readonly Dictionary<byte[], ClientPortal> _portals = new(ByteStringComparer.Instance);
    private readonly Dictionary<byte[], ClientPortal>.AlternateLookup<ReadOnlySpan<byte>> _portalsBySpan;

    public SessionPrepared()
    {
        _statementsBySpan = _statements.GetAlternateLookup<ReadOnlySpan<byte>>();
        _portalsBySpan = _portals.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    public int PortalCount => _portals.Count;

    public bool TryGetStatement(ReadOnlySpan<byte> name, [NotNullWhen(true)] out ClientStatement? statement) =>
        _statementsBySpan.TryGetValue(name, out statement);

    public void SetStatement(ReadOnlySpan<byte> name, ClientStatement statement) => _statementsBySpan[name] = statement;

    public bool RemoveStatement(ReadOnlySpan<byte> name) => _statementsBySpan.Remove(name);

    /// <summary>A simple Query and a new Parse destroy the unnamed statement.</summary>
    public void ForgetUnnamed()
    {
        if (_statements.Count > 0)
            _statementsBySpan.Remove([]);
    }

    public void ClearStatements() => _statements.Clear();

    public bool TryGetPortal(ReadOnlySpan<byte> name, [NotNullWhen(true)] out ClientPortal? portal) =>
        _portalsBySpan.TryGetValue(name, out portal);

    public void SetPortal(ReadOnlySpan<byte> name, ClientPortal portal) => _portalsBySpan[name] = portal;

    public bool RemovePortal(ReadOnlySpan<byte> name) => _portalsBySpan.Remove(name);

    /// <summary>Portals end with their transaction.</summary>
    public void ClearPortals() => _portals.Clear();
}
