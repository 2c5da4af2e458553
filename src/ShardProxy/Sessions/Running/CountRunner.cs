using System.Buffers.Binary;
using System.Globalization;
using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>SELECT count(*) over all shards: asked of all at once, answered with the sums under the home shard's description.</summary>
public sealed class CountRunner
{
    private readonly Session _session;

    public CountRunner(Session session) => _session = session;

    /// <summary>Format codes of the result columns, from Bind; empty is text.</summary>
    public IReadOnlyList<short> Formats { get; set; } = [];

    /// <summary>An Execute that wants one row stops at it, and does not see that there is no other.</summary>
    public bool Suspends { get; set; }

    public async ValueTask<bool> RunAsync(PlannedStatement planned, StatementText text)
    {
        await _session.MoveGate.EnterAsync(stays: false);
        var servers = new ServerConnection[_session.Database.ShardCount];
        for (var shard = 0; shard < servers.Length; shard++)
        {
            servers[shard] = await _session.Servers.GetAsync(shard);
            servers[shard].SendQuery(text.Bytes, Disposition.Swallow);
            _session.Flush(servers[shard]);
        }
        var tap = new Tap();
        ServerError? error = null;
        foreach (var server in servers)
        {
            await _session.DrainAsync(server, tap);
            error ??= _session.Relay.SwallowedError;
            await Aftermath.ApplyAsync(_session, server, planned, failed: _session.Relay.SwallowedError is not null);
        }
        _session.MoveGate.Leave();
        if (error is not null)
            throw new SqlErrorException(error.Position is null ? error : error with { Position = error.Position + text.PositionOffset });
        if (!_session.Relay.DropsRowDescription)
            _session.Client.Output.Write(tap.Description);
        WriteRow(tap.Sums);
        if (Suspends)
            PortalSuspendedMessage.Write(_session.Client.Output);
        else
            _session.WriteTag("SELECT 1"u8);
        return true;
    }

    private void WriteRow(long[] sums)
    {
        var row = DataRowMessage.Begin(_session.Client.Output, sums.Length);
        Span<byte> value = stackalloc byte[20];
        for (var column = 0; column < sums.Length; column++)
        {
            int length;
            if (IsBinary(column))
            {
                BinaryPrimitives.WriteInt64BigEndian(value, sums[column]);
                length = sizeof(long);
            }
            else
            {
                sums[column].TryFormat(value, out length, default, CultureInfo.InvariantCulture);
            }
            row.Int32(length);
            row.Bytes(value[..length]);
        }
        row.End();
    }

    // One code for all columns, or one each.
    private bool IsBinary(int column) => Formats.Count switch
    {
        0 => false,
        1 => Formats[0] == 1,
        _ => column < Formats.Count && Formats[column] == 1,
    };

    private sealed class Tap : IReplyTap
    {
        public byte[] Description { get; private set; } = [];

        public long[] Sums { get; private set; } = [];

        public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
        {
            if (type == BackendMessageType.RowDescription && Description.Length == 0)
                Description = frame.ToArray();
            if (type == BackendMessageType.DataRow && DataRowMessage.TryRead(frame[Frame.HeaderLength..], out var row))
                Add(row);
            return forward;
        }

        private void Add(in DataRowMessage row)
        {
            if (Sums.Length == 0)
                Sums = new long[row.ColumnCount];
            for (var column = 0; column < Sums.Length; column++)
            {
                if (row.TryGetColumn(column, out var value, out var isNull) && !isNull)
                    Sums[column] += long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : throw new SqlErrorException(SqlStates.ProtocolViolation, "a shard has sent a count that cannot be read", null);
            }
        }
    }
}
