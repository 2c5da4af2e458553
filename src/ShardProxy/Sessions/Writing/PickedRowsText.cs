using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;
using ShardProxy.Sessions.Running;
using ShardProxy.Statements;

namespace ShardProxy.Sessions.Writing;

/// <summary>Writes the rows of a query as constants that stand in its place.</summary>
internal sealed class PickedRowsText(Session session)
{
    /// <param name="frame">The query's RowDescription message, by the home shard's ids.</param>
    /// <param name="rows">In PostgreSQL's text form.</param>
    public async ValueTask<string> WriteAsync(byte[] frame, List<byte[]?[]> rows, PickedForm form)
    {
        var columns = new List<(string Name, uint Type)>();
        if (frame.Length > 0 && RowDescriptionMessage.TryRead(frame.AsSpan(Frame.HeaderLength), out var description))
        {
            foreach (var field in description)
                columns.Add((Encoding.UTF8.GetString(field.Name), field.TypeOid));
        }
        if (columns.Count == 0)
            throw new SqlErrorException(SqlStates.FeatureNotSupported, "a subquery without columns is not computed before the statement", "Give it a column.");
        var types = await NamesAsync([.. columns.Select(static column => column.Type)]);
        string Value(byte[]?[] row, int column) => $"CAST({(row[column] is { } value ? Identifiers.Literal(Encoding.UTF8.GetString(value)) : "NULL")} AS {types[column]})";
        if (form == PickedForm.Scalar && rows.Count < 2)
            return rows.Count == 0 ? $"CAST(NULL AS {types[0]})" : Value(rows[0], 0);
        if (form == PickedForm.List && rows.Count > 0)
            return string.Join(", ", rows.Select(row => Value(row, 0)));
        var list = string.Join(", ", columns.Select(static column => Identifiers.QuoteAlways(column.Name)));
        if (rows.Count == 0)
            return $"SELECT {string.Join(", ", columns.Select((column, index) => $"CAST(NULL AS {types[index]}) AS {Identifiers.QuoteAlways(column.Name)}"))} WHERE false";
        var text = string.Join(", ", rows.Select(row => $"({string.Join(", ", Enumerable.Range(0, columns.Count).Select(column => Value(row, column)))})"));
        return $"SELECT * FROM (VALUES {text}) AS shardproxy_rows ({list})";
    }

    private async ValueTask<string[]> NamesAsync(uint[] types)
    {
        var names = Array.ConvertAll(types, static type => TypeOid.ElementOf(type) is > 0 and var element
            ? ParameterText.NameOf(element) is { } name ? $"pg_catalog.{name}[]" : null
            : ParameterText.NameOf(type) is { } plain ? $"pg_catalog.{plain}" : null);
        if (!names.Contains(null))
            return names!;
        var query = $"SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) FROM pg_catalog.unnest('{{{string.Join(',', types)}}}'::pg_catalog.oid[]) WITH ORDINALITY AS u(o, i) "
            + "JOIN pg_catalog.pg_type t ON t.oid = u.o JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace ORDER BY u.i";
        var known = await ServerValues.ReadAsync(session, await session.Servers.GetAsync(Database.HomeShard), query);
        return known?.Count == types.Length
            ? [.. known.Select(static name => name!)]
            : throw new SqlErrorException(SqlStates.FeatureNotSupported, "the types of a subquery's columns are not known on the home shard", "Leave out the columns that are not needed.");
    }
}
