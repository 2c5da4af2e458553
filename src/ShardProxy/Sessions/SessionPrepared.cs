using System.Diagnostics.CodeAnalysis;
using ShardProxy.Pooling;

namespace ShardProxy.Sessions;

/// <summary>A client's prepared statements and portals by name; the unnamed ones have the empty name.</summary>
public sealed class SessionPrepared
{
    private Dictionary<byte[], ClientStatement>? _statements;
    private Dictionary<byte[], ClientStatement>.AlternateLookup<ReadOnlySpan<byte>> _statementsBySpan;
    private Dictionary<byte[], ClientPortal>? _portals;
    private Dictionary<byte[], ClientPortal>.AlternateLookup<ReadOnlySpan<byte>> _portalsBySpan;

    // The unnamed statement as the fast path saw it: nearly always it is never asked for again, so it stays bytes.
    private const int LargestNoted = 8 * 1024;
    private byte[] _notedSql = [];
    private int _notedSqlLength = -1;
    private uint[] _notedTypes = [];
    private int _notedTypeCount;

    public int PortalCount => _portals?.Count ?? 0;

    public bool TryGetStatement(ReadOnlySpan<byte> name, [NotNullWhen(true)] out ClientStatement? statement)
    {
        if (_notedSqlLength >= 0 && name.IsEmpty)
            SetUnnamed(_notedSql.AsSpan(0, _notedSqlLength), _notedTypes.AsSpan(0, _notedTypeCount));
        statement = null;
        return _statements is not null && _statementsBySpan.TryGetValue(name, out statement);
    }

    public void SetStatement(ReadOnlySpan<byte> name, ClientStatement statement)
    {
        if (name.IsEmpty)
            _notedSqlLength = -1;
        if (_statements is null)
        {
            _statements = new Dictionary<byte[], ClientStatement>(ByteStringComparer.Instance);
            _statementsBySpan = _statements.GetAlternateLookup<ReadOnlySpan<byte>>();
        }
        _statementsBySpan[name] = statement;
    }

    public bool RemoveStatement(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
            _notedSqlLength = -1;
        return _statements is not null && _statementsBySpan.Remove(name);
    }

    /// <summary>The fast path has parsed an unnamed statement; allocates nothing unless it is large.</summary>
    public void NoteUnnamed(ReadOnlySpan<byte> sql, ReadOnlySpan<uint> types)
    {
        if (sql.Length > LargestNoted)
        {
            SetUnnamed(sql, types);
            return;
        }
        if (_notedSql.Length < sql.Length)
            _notedSql = new byte[sql.Length];
        if (_notedTypes.Length < types.Length)
            _notedTypes = new uint[types.Length];
        sql.CopyTo(_notedSql);
        types.CopyTo(_notedTypes);
        _notedSqlLength = sql.Length;
        _notedTypeCount = types.Length;
    }

    /// <summary>A simple Query and a new Parse destroy the unnamed statement.</summary>
    public void ForgetUnnamed()
    {
        _notedSqlLength = -1;
        if (_statements is { Count: > 0 })
            _statementsBySpan.Remove([]);
    }

    /// <summary>DEALLOCATE ALL: the unnamed statement stays.</summary>
    public void ClearStatements()
    {
        if (_statements is null)
            return;
        _statementsBySpan.Remove([], out _, out var unnamed);
        _statements.Clear();
        if (unnamed is not null)
            _statementsBySpan[[]] = unnamed;
    }

    public bool TryGetPortal(ReadOnlySpan<byte> name, [NotNullWhen(true)] out ClientPortal? portal)
    {
        portal = null;
        return _portals is not null && _portalsBySpan.TryGetValue(name, out portal);
    }

    public void SetPortal(ReadOnlySpan<byte> name, ClientPortal portal)
    {
        if (_portals is null)
        {
            _portals = new Dictionary<byte[], ClientPortal>(ByteStringComparer.Instance);
            _portalsBySpan = _portals.GetAlternateLookup<ReadOnlySpan<byte>>();
        }
        _portalsBySpan[name] = portal;
    }

    public bool RemovePortal(ReadOnlySpan<byte> name) => _portals is not null && _portalsBySpan.Remove(name);

    /// <summary>A simple Query and a new Bind destroy the unnamed portal.</summary>
    public void ForgetUnnamedPortal()
    {
        if (_portals is { Count: > 0 })
            _portalsBySpan.Remove([]);
    }

    /// <summary>ROLLBACK TO a savepoint has undone what was bound since.</summary>
    public void ForgetPortalsSince(int savepoint)
    {
        if (_portals is null)
            return;
        foreach (var (name, portal) in _portals)
        {
            if (portal.Savepoint >= savepoint)
                _portals.Remove(name);
        }
    }

    /// <summary>Portals end with their transaction.</summary>
    public void ClearPortals() => _portals?.Clear();

    private void SetUnnamed(ReadOnlySpan<byte> sql, ReadOnlySpan<uint> types) =>
        SetStatement([], new ClientStatement(PreparedText.Unnamed(sql.ToArray(), types.ToArray()), isUnnamed: true));
}
