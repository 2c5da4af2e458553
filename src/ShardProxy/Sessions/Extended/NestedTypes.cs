using ShardProxy.Catalog;
using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Extended;

/// <summary>The types on the shard of a bound statement's parameters and columns whose binary values hold object ids; null when none does, 0 for one that does not.</summary>
internal readonly record struct NestedTypes(uint[]? Parameters, uint[]? Rows);

/// <summary>Finds the <see cref="NestedTypes"/> of a Bind. Only binary values on a shard whose ids differ from the home shard's cost anything.</summary>
internal sealed class NestedTypesLookup(Session session, ParameterTypeLookup types)
{
    public async ValueTask<NestedTypes> ResolveAsync(int shard, ClientStatement statement, PlannedStatement planned, ReadOnlyMemory<byte> body)
    {
        var objectIds = session.ObjectIds(shard);
        if (objectIds.IsIdentity)
            return default;
        var (parameters, rows) = BinaryParts(body.Span, statement.Text.ParameterTypes);
        if (parameters == 0 && !rows)
            return default;
        var text = statement.Text;
        var parameterTypes = text.ParameterTypes;
        uint[] resultTypes = [];
        if (rows || !text.Declares(parameters))
        {
            // What FETCH gives is its cursor's affair, so nothing is learned for its text.
            (parameterTypes, resultTypes) = await types.DescribeAsync(statement, shard, isLasting: planned.Plan is not CursorPlan);
        }
        BindMessage.TryRead(body.Span, out var bind);
        return new NestedTypes(
            Nested(objectIds, parameterTypes, bind.ParameterFormats, bind.ParameterCount),
            Nested(objectIds, resultTypes, bind.ResultFormats, resultTypes.Length));
    }

    /// <summary>Gives the Bind at the end of the server's output the shard's ids.</summary>
    public static void Translate(ByteBuffer output, int length, uint[] types, ObjectIdMap objectIds)
    {
        var body = output.UnreadMutable[^(length - Frame.HeaderLength)..];
        if (!BindMessage.TryRead(body, out var bind))
            return;
        var values = bind.Parameters;
        for (var i = 0; i < types.Length; i++)
        {
            if (types[i] == 0 || !values.TryGet(i, out var value, out var isNull) || isNull || value.IsEmpty)
                continue;
            if (((ReadOnlySpan<byte>)body).Overlaps(value, out var offset))
                NestedObjectIds.FromHome(body.Slice(offset, value.Length), types[i], objectIds);
        }
    }

    // Parameters up to the last binary one whose type may be a user's, and whether any column is binary.
    private static (int Parameters, bool Rows) BinaryParts(ReadOnlySpan<byte> body, uint[] declared)
    {
        BindMessage.TryRead(body, out var bind);
        var parameters = 0;
        for (var i = 0; i < bind.ParameterCount; i++)
        {
            if (bind.IsBinary(i) && (i >= declared.Length || declared[i] is 0 or >= ObjectIdMap.FirstUserObjectId))
                parameters = i + 1;
        }
        var rows = false;
        for (var i = 0; i < bind.ResultFormats.Count; i++)
            rows |= bind.ResultFormats[i] == 1;
        return (parameters, rows);
    }

    private static uint[]? Nested(ObjectIdMap objectIds, uint[] types, FormatCodes formats, int count)
    {
        uint[]? nested = null;
        for (var i = 0; i < Math.Min(count, types.Length) && (formats.Count <= 1 || i < formats.Count); i++)
        {
            if (formats[i] != 1 || !objectIds.HoldsObjectIds(types[i]))
                continue;
            nested ??= new uint[types.Length];
            nested[i] = objectIds.FromHome(types[i]);
        }
        return nested;
    }
}
