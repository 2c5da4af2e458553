using System.Diagnostics.CodeAnalysis;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>SELECT set_config(name, value, is_local) alone: a SET that replies with a row.</summary>
internal static class SettingFunction
{
    public static bool TryRead(Query query, SourceText source, [NotNullWhen(true)] out Plan? plan)
    {
        plan = null;
        if (!SingleCall.TryRead(query, out var call) || call.Names[^1] != "set_config" || (call.Names.Length == 2 && call.Names[0] != "pg_catalog"))
            return false;
        if (call.Arguments is not [Constant { Kind: ConstantKind.Text } name, var value, Constant { Kind: ConstantKind.Boolean } local])
            return false;
        var text = value switch
        {
            Constant { Kind: ConstantKind.Text } constant => source.SensitiveText(constant),
            _ => null,
        };
        var number = value is Parameter parameter ? parameter.Number : 0;
        if (text is null && number == 0)
            return false;
        source.MarkSensitive(name.Location);
        var verb = local.Text == "true" ? SettingVerb.SetLocal : SettingVerb.Set;
        plan = new SettingPlan(verb, name.Text!.ToLowerInvariant(), text, IsFunction: true) { ValueParameter = number };
        return true;
    }
}
