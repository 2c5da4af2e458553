using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>SELECT set_config(name, value, is_local), … and nothing else: a SET that replies with a row.</summary>
internal static class SettingFunction
{
    public static bool TryRead(Query query, SourceText source, [NotNullWhen(true)] out Plan? plan)
    {
        plan = IfKnown(query, source);
        if (plan is not null)
            return true;
        if (!SingleCall.IsPlain(query, out var outputs))
            return false;
        var settings = ImmutableArray.CreateBuilder<SettingValue>(outputs.Length);
        foreach (var output in outputs)
        {
            if (output.Value is not FunctionCall call || Read(call, source) is not { } setting)
                return false;
            settings.Add(setting);
        }
        var first = settings[0];
        settings.RemoveAt(0);
        plan = new SettingPlan(first.IsLocal ? SettingVerb.SetLocal : SettingVerb.Set, first.Name, first.Value, IsFunction: true)
        {
            More = settings.ToImmutable(),
            ValueParameter = outputs[0].Value is FunctionCall { Arguments: [_, Parameter parameter, _] } ? parameter.Number : 0,
        };
        return true;
    }

    /// <summary>SELECT set_config(name, 'value', false) FROM pg_settings WHERE name = 'x': set where the server knows it, as pg_dump does.</summary>
    private static SettingPlan? IfKnown(Query query, SourceText source)
    {
        if (query is not Select
            {
                With: null, Into: null, IsDistinct: false, Having: null, HasGroupingSets: false, Groups.IsEmpty: true, Order.IsEmpty: true, Limits.IsEmpty: true,
                From: [FromTable { Name: { Name: "pg_settings", Schema: null or "pg_catalog" } }],
                Where: OperatorExpression { Form: OperatorForm.Plain, OperatorNames: ["="], Left: ColumnReference { Names: [.., "name"] }, Right: Constant { Kind: ConstantKind.Text } name },
                Outputs: [{ Value: FunctionCall { Arguments: [ColumnReference { Names: [.., "name"] }, Constant { Kind: ConstantKind.Text } value, Constant { Kind: ConstantKind.Boolean } local] } call }],
            }
            || !IsSetting(call))
        {
            return null;
        }
        source.MarkSensitive(name.Location);
        return new SettingPlan(local.Text == "true" ? SettingVerb.SetLocal : SettingVerb.Set, name.Text!.ToLowerInvariant(), source.SensitiveText(value), IsFunction: true);
    }

    public static bool IsSetting(FunctionCall call) =>
        call.Names[^1] == "set_config" && (call.Names.Length == 1 || call.Names[^2] == "pg_catalog");

    private static SettingValue? Read(FunctionCall call, SourceText source)
    {
        if (!IsSetting(call) || call.Arguments is not [Constant { Kind: ConstantKind.Text } name, var value, Constant { Kind: ConstantKind.Boolean } local])
            return null;
        // What is computed is asked of the server afterwards, as long as computing it needs no table.
        if (value is not (Constant or Parameter or TypeCast { Operand: Constant or Parameter }))
            return null;
        source.MarkSensitive(name.Location);
        var text = value is Constant { Kind: ConstantKind.Text } constant ? source.SensitiveText(constant) : null;
        return new SettingValue(name.Text!.ToLowerInvariant(), text, local.Text == "true");
    }
}
