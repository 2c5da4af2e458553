using System.Text;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;
using ShardProxy.Transport;

namespace ShardProxy.Listening.Admin;

/// <summary>
/// The conversation with a client of the admin database, in the simple and the extended protocol. There are no
/// transactions and no parameters; commands run on the thread pool, rows are written whole.
/// </summary>
internal sealed class AdminConversation(FrameChannel channel, IAdminConsole console, string version)
{
    private const int FlushAbove = 1 << 20;

    private readonly Dictionary<string, AdminCommand?> _statements = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Portal> _portals = new(StringComparer.Ordinal);
    private bool _skipsToSync;

    /// <summary>Returns when the client says good-bye; throws <see cref="PeerClosedException"/> when it just goes.</summary>
    public async Task RunAsync()
    {
        ReadyForQueryMessage.Write(channel.Output, TransactionStatus.Idle);
        while (true)
        {
            await channel.FlushAsync();
            var (type, length) = await channel.PeekFrameAsync();
            var body = channel.Input.Unread[Frame.HeaderLength..length].ToArray();
            channel.Input.Consume(length);
            channel.Input.Release();
            if (type == FrontendMessageType.Terminate)
                return;
            await HandleAsync(type, body);
        }
    }

    private async Task HandleAsync(byte type, byte[] body)
    {
        if (type == FrontendMessageType.Sync)
        {
            _skipsToSync = false;
            ReadyForQueryMessage.Write(channel.Output, TransactionStatus.Idle);
            return;
        }
        if (_skipsToSync && type != FrontendMessageType.Query)
            return;
        try
        {
            if (type == FrontendMessageType.Query)
                await RunSimpleAsync(body);
            else
                await RunExtendedAsync(type, body);
        }
        catch (SqlErrorException exception)
        {
            exception.Error.WriteError(channel.Output);
            if (type != FrontendMessageType.Query)
                _skipsToSync = true;
        }
        if (type == FrontendMessageType.Query)
            ReadyForQueryMessage.Write(channel.Output, TransactionStatus.Idle);
    }

    private async Task RunSimpleAsync(byte[] body)
    {
        var text = QueryMessage.TryRead(body, out var query) ? Encoding.UTF8.GetString(query.Sql) : throw Malformed();
        var commands = AdminCommand.Split(text);
        if (commands.Count == 0)
            EmptyQueryResponseMessage.Write(channel.Output);
        foreach (var command in commands)
        {
            var result = await AskAsync(command);
            if (result.Columns.Count > 0)
                AdminRows.WriteDescription(channel.Output, result.Columns, []);
            await WriteRowsAsync(result, 0, result.Rows.Count, []);
            CommandCompleteMessage.Write(channel.Output, Encoding.ASCII.GetBytes(result.Tag));
        }
    }

    private Task RunExtendedAsync(byte type, byte[] body)
    {
        switch (type)
        {
            case FrontendMessageType.Parse:
                Parse(body);
                break;
            case FrontendMessageType.Bind:
                Bind(body);
                break;
            case FrontendMessageType.Describe:
                Describe(body);
                break;
            case FrontendMessageType.Execute:
                return ExecuteAsync(body);
            case FrontendMessageType.Close:
                Close(body);
                break;
            case FrontendMessageType.Flush:
                break;
            default:
                throw new SqlErrorException(SqlStates.FeatureNotSupported, "the admin database knows queries only");
        }
        return Task.CompletedTask;
    }

    private void Parse(byte[] body)
    {
        if (!ParseMessage.TryRead(body, out var parse))
            throw Malformed();
        var commands = AdminCommand.Split(Encoding.UTF8.GetString(parse.Query));
        if (commands.Count > 1)
            throw new SqlErrorException(SqlStates.SyntaxError, "cannot insert multiple commands into a prepared statement");
        _statements[Encoding.UTF8.GetString(parse.Name)] = commands.Count == 0 ? null : commands[0];
        ParseCompleteMessage.Write(channel.Output);
    }

    private void Bind(byte[] body)
    {
        if (!BindMessage.TryRead(body, out var bind))
            throw Malformed();
        if (bind.ParameterCount > 0)
            throw new SqlErrorException(SqlStates.ProtocolViolation, "commands of the admin database take no parameters");
        var command = Statement(Encoding.UTF8.GetString(bind.Statement));
        var formats = new short[bind.ResultFormats.Count];
        for (var index = 0; index < formats.Length; index++)
            formats[index] = bind.ResultFormats[index];
        var columns = command is null ? [] : ColumnsOf(command);
        if (formats.Length > 1 && formats.Length != columns.Count)
            throw new SqlErrorException(SqlStates.ProtocolViolation, $"bind message has {formats.Length} result formats but query has {columns.Count} columns");
        _portals[Encoding.UTF8.GetString(bind.Portal)] = new Portal(command, columns, formats);
        BindCompleteMessage.Write(channel.Output);
    }

    private void Describe(byte[] body)
    {
        if (!DescribeMessage.TryRead(body, out var describe))
            throw Malformed();
        var name = Encoding.UTF8.GetString(describe.Name);
        IReadOnlyList<AdminColumn> columns;
        short[] formats = [];
        if (describe.Kind == PreparedKind.Statement)
        {
            ParameterDescriptionMessage.Write(channel.Output);
            columns = Statement(name) is { } command ? ColumnsOf(command) : [];
        }
        else
        {
            var portal = FindPortal(name);
            (columns, formats) = (portal.Columns, portal.Formats);
        }
        if (columns.Count == 0)
            NoDataMessage.Write(channel.Output);
        else
            AdminRows.WriteDescription(channel.Output, columns, formats);
    }

    private async Task ExecuteAsync(byte[] body)
    {
        var (name, limit) = ReadExecute(body);
        var portal = FindPortal(name);
        if (portal.Command is null)
        {
            EmptyQueryResponseMessage.Write(channel.Output);
            return;
        }
        var result = portal.Result ??= await AskAsync(portal.Command);
        var end = limit > 0 ? Math.Min(result.Rows.Count, portal.Sent + limit) : result.Rows.Count;
        await WriteRowsAsync(result, portal.Sent, end, portal.Formats);
        portal.Sent = end;
        if (end < result.Rows.Count)
            PortalSuspendedMessage.Write(channel.Output);
        else
            CommandCompleteMessage.Write(channel.Output, Encoding.ASCII.GetBytes(result.Tag));
    }

    private static (string Portal, int Limit) ReadExecute(byte[] body) =>
        ExecuteMessage.TryRead(body, out var execute) ? (Encoding.UTF8.GetString(execute.Portal), execute.MaxRows) : throw Malformed();

    private void Close(byte[] body)
    {
        if (!CloseMessage.TryRead(body, out var close))
            throw Malformed();
        var name = Encoding.UTF8.GetString(close.Name);
        if (close.Kind == PreparedKind.Statement)
            _statements.Remove(name);
        else
            _portals.Remove(name);
        CloseCompleteMessage.Write(channel.Output);
    }

    private async Task WriteRowsAsync(AdminResult result, int from, int to, short[] formats)
    {
        for (var index = from; index < to; index++)
        {
            AdminRows.WriteRow(channel.Output, result.Rows[index], formats);
            if (channel.Output.Count > FlushAbove)
                await channel.FlushAsync();
        }
    }

    private async Task<AdminResult> AskAsync(AdminCommand command) =>
        DriverQuestions.TryAnswer(command, version, out var answer) ? answer : await Task.Run(() => console.RunAsync(command));

    private IReadOnlyList<AdminColumn> ColumnsOf(AdminCommand command) =>
        DriverQuestions.TryAnswer(command, version, out var answer) ? answer.Columns : console.Describe(command);

    private AdminCommand? Statement(string name) => _statements.TryGetValue(name, out var command)
        ? command
        : throw new SqlErrorException(SqlStates.InvalidSqlStatementName, $"prepared statement \"{name}\" does not exist");

    private Portal FindPortal(string name) => _portals.TryGetValue(name, out var portal)
        ? portal
        : throw new SqlErrorException(SqlStates.InvalidCursorName, $"portal \"{name}\" does not exist");

    private static SqlErrorException Malformed() => new(SqlStates.ProtocolViolation, "the message does not follow the protocol");

    private sealed class Portal(AdminCommand? command, IReadOnlyList<AdminColumn> columns, short[] formats)
    {
        public AdminCommand? Command { get; } = command;

        public IReadOnlyList<AdminColumn> Columns { get; } = columns;

        public short[] Formats { get; } = formats;

        public AdminResult? Result { get; set; }

        public int Sent { get; set; }
    }
}
