using ShardProxy.Planning.Drawing;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Drawing;

/// <summary>A prepared statement that draws identifiers: servers know it with a parameter for each.</summary>
internal static class DrawnStatement
{
    /// <summary>Highest number of parameters that Bind can count (int16, read as unsigned).</summary>
    private const int MostParameters = ushort.MaxValue;

    public static void Rewrite(Session session, ClientStatement statement, DrawPlan draw)
    {
        var sql = statement.Written.Sql;
        session.Scanner.Scan(sql, session.StandardConformingStrings);
        if (session.Scanner.StatementCount != 1 || DrawText.Cut(sql, 0, session.Scanner.GetStatement(0).End, draw) is not { } cut)
            throw NotReadable();
        var declared = statement.Written.ParameterTypes;
        var own = Math.Max(declared.Length, HighestParameter(session.Scanner.Shape));
        if (own + cut.Slots.Count > MostParameters)
            throw new SqlErrorException(SqlStates.ProgramLimitExceeded, $"the statement has too many parameters: {own}, and {cut.Slots.Count} identifiers to be drawn", "Insert fewer rows at once.");
        var types = new uint[own + cut.Slots.Count];
        declared.CopyTo(types, 0);
        for (var slot = 0; slot < cut.Slots.Count; slot++)
            types[own + slot] = cut.Slots[slot].Type;
        var text = cut.WithParameters(own + 1);
        statement.Rewrite(
            statement.IsUnnamed
                ? PreparedText.Unnamed(text, types)
                : session.Database.PreparedTexts.Intern(text, types, session.Planning().Routing.Version),
            new DrawnParameters(own, cut.Slots));
    }

    public static SqlErrorException NotReadable() => new(
        SqlStates.FeatureNotSupported,
        "the identifiers that the statement draws could not be told from its text",
        "Write nextval(…) as a value by itself, or run SELECT nextval(…) first and give its result.");

    // In a shape literals are folded away, so a dollar and digits are a parameter.
    private static int HighestParameter(ReadOnlySpan<byte> shape)
    {
        var highest = 0;
        for (var at = shape.IndexOf((byte)'$'); at >= 0; at = shape.IndexOf((byte)'$'))
        {
            shape = shape[(at + 1)..];
            if (System.Buffers.Text.Utf8Parser.TryParse(shape, out int number, out _))
                highest = Math.Max(highest, number);
        }
        return highest;
    }
}
