using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>SELECT f(…) and nothing else.</summary>
internal static class SingleCall
{
    public static bool TryRead(Query query, [NotNullWhen(true)] out FunctionCall? call)
    {
        call = IsPlain(query, out var outputs)
            && outputs is [{ Value: FunctionCall { Window: null } only }]
            && only.Inner.IsEmpty ? only : null;
        return call is not null;
    }

    /// <summary>A SELECT of expressions without tables or any other clause.</summary>
    public static bool IsPlain(Query query, out ImmutableArray<OutputItem> outputs)
    {
        if (query is Select
            {
                With: null,
                Outputs.IsEmpty: false,
                From.IsEmpty: true,
                Where: null,
                Into: null,
                IsDistinct: false,
                Having: null,
                HasGroupingSets: false,
                Groups.IsEmpty: true,
                Order.IsEmpty: true,
                Limits.IsEmpty: true,
            } select)
        {
            outputs = select.Outputs;
            return true;
        }
        outputs = [];
        return false;
    }
}
