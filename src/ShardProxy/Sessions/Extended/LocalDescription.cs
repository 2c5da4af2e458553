using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>What Describe says of a statement that the proxy runs itself.</summary>
internal static class LocalDescription
{
    public static void Write(ByteBuffer to, Plan plan)
    {
        if (plan is DistributePlan distribute)
        {
            var name = distribute.Reference ? "create_reference_table" : "create_distributed_table";
            RowDescriptionMessage.Write(to, new FieldDescription(name, SessionCommandRunner.VoidType, 4));
            return;
        }
        if (plan is MoveKeyPlan)
        {
            RowDescriptionMessage.Write(to, new FieldDescription("move_shard_key", SessionCommandRunner.VoidType, 4));
            return;
        }
        if (plan is AddShardPlan)
        {
            RowDescriptionMessage.Write(to, new FieldDescription("add_shard", SessionCommandRunner.VoidType, 4));
            return;
        }
        if (plan is PlacementPlan placement)
        {
            RowDescriptionMessage.Write(to, new FieldDescription(placement.FunctionName, SessionCommandRunner.VoidType, 4));
            return;
        }
        if ((plan as ExplainPlan ?? (plan as ExecutePlan)?.Explain) is { } explained)
        {
            RowDescriptionMessage.Write(to, Running.Explaining.ExplainRunner.Field(explained));
            return;
        }
        if (plan is ExplainShardsPlan)
        {
            RowDescriptionMessage.Write(to, ExplainShardsRunner.Fields);
            return;
        }
        NoDataMessage.Write(to);
    }

    /// <param name="description">RowDescription as a frame; empty for a statement without rows.</param>
    public static void Write(ByteBuffer to, byte[] description, IReadOnlyList<short> formats)
    {
        if (description.Length == 0)
            NoDataMessage.Write(to);
        else
            new DescriptionTap(description).WriteTo(to, formats, Catalog.ObjectIdMap.Identity);
    }

    /// <summary>The result formats that a Bind asks for, where they matter to the proxy.</summary>
    public static short[] Formats(PlannedStatement planned, ReadOnlySpan<byte> body)
    {
        // Its columns are text, the same in both formats; its parameters are looked at and never sent.
        if (planned.Plan is ExplainShardsPlan or ExplainPlan || !BindMessage.TryRead(body, out var bind))
            return [];
        if (planned.Plan is not CountEverywherePlan)
        {
            return bind.ParameterCount == 0
                ? planned.Plan is ExecutePlan or CursorPlan ? FormatsOf(bind) : []
                : throw new SqlErrorException(
                    SqlStates.ProtocolViolation,
                    $"bind message supplies {bind.ParameterCount} parameters, but prepared statement \"{ExtendedNames.Text(bind.Statement)}\" requires 0");
        }
        if (bind.ParameterCount > 0)
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                "count(*) over all shards cannot have parameters yet",
                "Write the values into the text, or confine the statement to one shard by the key.");
        }
        return FormatsOf(bind);
    }

    public static short[] FormatsOf(in BindMessage bind)
    {
        var formats = new short[bind.ResultFormats.Count];
        for (var i = 0; i < formats.Length; i++)
            formats[i] = bind.ResultFormats[i];
        return formats;
    }
}
