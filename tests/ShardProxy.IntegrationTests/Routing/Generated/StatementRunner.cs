using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>The ways in which a statement can be sent.</summary>
internal enum ProtocolWay
{
    Simple,
    Text,
    Binary,

    /// <summary>Declared as a cursor that goes forward, and fetched as a whole.</summary>
    Cursor,
}

/// <summary>Sends statements to the reference and to every subject over connections that are kept, and compares.</summary>
internal sealed class StatementRunner : IAsyncDisposable
{
    private const short BinaryFormat = 1;

    private readonly ShardCounts _shards;
    private readonly string _setting;
    private readonly Dictionary<string, uint> _typeIds = [];
    private readonly Dictionary<(string, string), byte[]> _binaryValues = [];
    private WireClient _reference = null!;
    private readonly List<WireClient> _subjects = [];

    private StatementRunner(ShardCounts shards, string setting)
    {
        _shards = shards;
        _setting = setting;
    }

    /// <summary>Answers of subjects that were compared or refused.</summary>
    public int Asked { get; private set; }

    /// <summary>Answers of the reference that were errors.</summary>
    public int Errors { get; private set; }

    public int Timeouts { get; private set; }

    public List<string> Refusals { get; } = [];

    /// <param name="setting">Run first on every connection.</param>
    public static async Task<StatementRunner> StartAsync(ShardCounts shards, string setting)
    {
        var runner = new StatementRunner(shards, setting) { _reference = await ConnectAsync(shards.Reference, setting) };
        foreach (var (_, endpoint) in shards.Subjects)
            runner._subjects.Add(await ConnectAsync(endpoint, setting));
        return runner;
    }

    /// <summary>Loose values are compared as text only.</summary>
    public static ProtocolWay WayOf(GeneratedStatement statement, int number) => statement.IsLoose ? (number % 4) switch
    {
        2 => ProtocolWay.Text,
        var way => (ProtocolWay)way,
    } : (ProtocolWay)(number % 4);

    /// <param name="counts">Whether it shows in the counts.</param>
    public async Task<string?> DifferenceAsync(GeneratedStatement statement, int number, bool counts = true)
    {
        var way = WayOf(statement, number);
        var script = await ScriptAsync(statement, statement.Text, way);
        var expected = new Answer(await _reference.RunAsync(script), way == ProtocolWay.Cursor);
        if (expected.IsTimeout)
        {
            Timeouts += counts ? 1 : 0;
            return null;
        }
        var whole = statement.Order == RowOrderRule.AnySubset ? new Answer(await _reference.RunAsync(await ScriptAsync(statement, statement.WithoutLimit, way))) : null;
        if (counts && expected.SqlState is not null)
            Errors++;
        for (var subject = 0; subject < _subjects.Count; subject++)
        {
            var count = _shards.Subjects[subject].Shards;
            Answer answer;
            try
            {
                answer = new Answer(await _subjects[subject].RunAsync(script), way == ProtocolWay.Cursor);
                // What was learnt of its shape must not change the answer.
                if (way == ProtocolWay.Simple && answer.SqlState is null)
                    answer = new Answer(await _subjects[subject].RunAsync(script), way == ProtocolWay.Cursor);
            }
            catch (Exception exception) when (exception is IOException or TimeoutException or System.Net.Sockets.SocketException)
            {
                await _subjects[subject].DisposeAsync();
                _subjects[subject] = await ConnectAsync(_shards.Subjects[subject].Endpoint, _setting);
                return $"over {count}: {exception.Message}\n{string.Join('\n', _shards.ProxyLog.Split('\n').TakeLast(40))}";
            }
            if (answer.SqlState == "0A000" && expected.SqlState != "0A000")
            {
                if (counts)
                {
                    Asked++;
                    Refusals.Add($"over {count}: {answer.Error}\n    {statement}");
                }
                continue;
            }
            if (answer.IsTimeout)
            {
                Timeouts += counts ? 1 : 0;
                continue;
            }
            Asked += counts ? 1 : 0;
            if (answer.Difference(expected, statement, whole) is { } difference)
                return $"over {count}: {difference}";
        }
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _reference.DisposeAsync();
        foreach (var subject in _subjects)
            await subject.DisposeAsync();
    }

    private static async Task<WireClient> ConnectAsync(Fixtures.Endpoint endpoint, string setting)
    {
        var client = await WireClient.ConnectAsync(endpoint);
        await client.MustAsync(setting);
        return client;
    }

    private async Task<FrontendScript> ScriptAsync(GeneratedStatement statement, string text, ProtocolWay way)
    {
        if (way == ProtocolWay.Simple)
            return new FrontendScript().Query(statement.Inline(text));
        if (way == ProtocolWay.Cursor)
        {
            return new FrontendScript().Query("BEGIN").Query($"DECLARE c NO SCROLL CURSOR FOR {statement.Inline(text)}")
                .Query("FETCH ALL FROM c").Query("ROLLBACK");
        }
        var types = new uint[statement.Parameters.Count];
        var values = new byte[]?[types.Length];
        var formats = new short[types.Length];
        for (var index = 0; index < types.Length; index++)
        {
            var parameter = statement.Parameters[index];
            types[index] = parameter.IsCast ? 0 : await TypeIdAsync(parameter.Type.Cast);
            formats[index] = way == ProtocolWay.Binary ? BinaryFormat : (short)0;
            if (parameter.Value is { } value)
                values[index] = way == ProtocolWay.Binary ? await BinaryAsync(parameter.Type.Cast, value) : System.Text.Encoding.UTF8.GetBytes(value);
        }
        return new FrontendScript().Parse(statement.Numbered(text), "", types).BindBytes(values, formats, resultFormat: way == ProtocolWay.Binary ? BinaryFormat : (short)0).DescribePortal().Execute().Sync();
    }

    private async Task<uint> TypeIdAsync(string type)
    {
        if (!_typeIds.TryGetValue(type, out var id))
            _typeIds[type] = id = uint.Parse(await _reference.ScalarAsync($"SELECT '{type}'::regtype::oid"), System.Globalization.CultureInfo.InvariantCulture);
        return id;
    }

    // As the reference writes it, so that the tests need no codecs of their own.
    private async Task<byte[]> BinaryAsync(string type, string value)
    {
        if (_binaryValues.TryGetValue((type, value), out var bytes))
            return bytes;
        var replies = await _reference.RunAsync(new FrontendScript().Run($"SELECT {SqlLiteral.Of(value)}::{type}", resultFormat: BinaryFormat).Sync());
        bytes = replies.Find(static message => message.Type == 'D')?.Values[0] ?? throw new InvalidDataException(string.Join('\n', replies));
        _binaryValues.Add((type, value), bytes);
        return bytes;
    }
}
