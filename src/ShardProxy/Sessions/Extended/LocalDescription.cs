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
        NoDataMessage.Write(to);
    }
}
