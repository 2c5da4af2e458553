using System.Diagnostics.CodeAnalysis;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>SELECT f(…) and nothing else.</summary>
internal static class SingleCall
{
    public static bool TryRead(Query query, [NotNullWhen(true)] out FunctionCall? call)
    {
        call = query is Select
        {
            With: null,
            Outputs: [{ Value: FunctionCall { Window: null } only }],
            From.IsEmpty: true,
            Where: null,
            Into: null,
            IsDistinct: false,
            Having: null,
            HasGroupingSets: false,
            Groups.IsEmpty: true,
            Order.IsEmpty: true,
            Limits.IsEmpty: true,
        } && only.Inner.IsEmpty ? only : null;
        return call is not null;
    }
}
