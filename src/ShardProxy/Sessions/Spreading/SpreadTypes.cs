using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Spreading;

/// <summary>
/// What a shard has said of a merged statement, kept by the statement's shape so that the next one asks nothing before it runs.
/// A literal may change a type, so whoever uses it compares what the shards describe with what was expected, and asks after all
/// when that differs.
/// </summary>
/// <param name="ParameterTypes">Of the client's statement, by the home shard's ids.</param>
/// <param name="ColumnTypes">Of the draft's probe.</param>
/// <param name="Frame">The RowDescription of the client's statement.</param>
public sealed record SpreadTypes(uint[] ParameterTypes, uint[] ColumnTypes, byte[] Frame)
{
    // Objects and headers, roughly.
    private const int Overhead = 200;

    /// <summary>The text that it is for, where there are parameters: what type one has may hang on a literal.</summary>
    public byte[]? Text { get; init; }

    /// <summary>The parameters' types as the client declared them.</summary>
    public uint[] Declared { get; init; } = [];

    /// <summary>Types and modifiers of the shards' columns, as <see cref="ColumnsOf"/> has them; empty where the client's description comes from these columns themselves.</summary>
    public long[] ShardColumns { get; init; } = [];

    /// <summary>Of the last statement's columns, likewise.</summary>
    public long[] FinishColumns { get; init; } = [];

    /// <summary>Null when nothing is known. Call while the scanner has the request's text.</summary>
    public static SpreadTypes? Find(Session session, ClientRequest request) =>
        request.IsScanned
        && session.Database.SpreadTypes.TryGet(session.Scanner, request.Sql.Span, session.Planning().Id, out var known)
        && known.IsFor(request)
            ? known
            : null;

    /// <param name="shape">The scanner's hash when the request came: nothing is kept if the scanner has read something else since.</param>
    public void Remember(Session session, ClientRequest request, ulong shape)
    {
        if (!request.IsScanned || session.Scanner.Hash != shape)
            return;
        var kept = this with { Text = HasParameters(request) ? request.Sql.ToArray() : null, Declared = request.ParameterTypes };
        var size = Overhead + (8 * (ShardColumns.Length + FinishColumns.Length)) + (4 * (ParameterTypes.Length + ColumnTypes.Length + Declared.Length)) + Frame.Length + (kept.Text?.Length ?? 0);
        session.Database.SpreadTypes.Add(session.Scanner, request.Sql.Span, session.Planning().Id, kept, [], size);
    }

    /// <summary>Type and modifier of each column of a RowDescription message.</summary>
    public static long[] ColumnsOf(byte[] frame)
    {
        if (frame.Length == 0 || !RowDescriptionMessage.TryRead(frame.AsSpan(Protocol.Framing.Frame.HeaderLength), out var description))
            return [];
        var columns = new long[description.Count];
        var index = 0;
        foreach (var field in description)
            columns[index++] = ((long)field.TypeOid << 32) | (uint)field.TypeModifier;
        return columns;
    }

    private bool IsFor(ClientRequest request) =>
        Declared.AsSpan().SequenceEqual(request.ParameterTypes)
        && (Text is null ? !HasParameters(request) : request.Sql.Span.SequenceEqual(Text));

    private static bool HasParameters(ClientRequest request) => BindMessage.TryRead(request.Bind.Span, out var bind) && bind.ParameterCount > 0;
}
