using System.Collections.Immutable;
using System.Text.Json;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Asks the home shard which indexes ON CONFLICT goes by: EXPLAIN names them. Only PostgreSQL says whether an expression is that of an
/// index, and whether a condition implies an index's.
/// </summary>
internal static class ConflictArbiters
{
    /// <summary>The same with only those indexes of expressions, or with a condition, that ON CONFLICT means.</summary>
    /// <param name="parameterTypes">Of the client's parameters, as far as they are known.</param>
    public static async ValueTask<GlobalConflict> FindAsync(Session session, ClientRequest request, uint[] parameterTypes, GlobalConflict conflict)
    {
        if (!conflict.IsToBeAsked)
            return conflict;
        var explain = new ShardStatement((byte[])[.. "EXPLAIN (COSTS OFF, FORMAT JSON) "u8, .. request.Sql.Span])
        {
            Bind = request.Bind,
            ParameterTypes = parameterTypes,
            NestedParameterTypes = request.NestedParameterTypes,
            Formats = [0],
        };
        try
        {
            var names = Read((await RowsOf.AllAsync(session, [Database.HomeShard], explain)).Rows.Rows[0][0]!);
            return conflict with { Indexes = [.. conflict.Indexes.Where(index => index.IsPlain || names.Contains(index.Name))] };
        }
        catch (SqlErrorException exception) when (exception.Error.Position is not null)
        {
            throw new SqlErrorException(exception.Error with { Position = null });
        }
    }

    private static ImmutableHashSet<string> Read(byte[] plan)
    {
        using var document = JsonDocument.Parse(plan);
        return document.RootElement[0].GetProperty("Plan").TryGetProperty("Conflict Arbiter Indexes", out var indexes)
            ? [.. indexes.EnumerateArray().Select(static index => index.GetString()!)]
            : [];
    }
}
