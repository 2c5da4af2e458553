using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ShardProxy.Listening.Admin;

/// <summary>What drivers ask on their own before or between a user's commands. Answered so that they go on; nothing is kept of it.</summary>
internal static class DriverQuestions
{
    // What a driver must know to read the console's rows, and what it may try to know besides (pg_type.dat).
    private static readonly (uint Oid, string Name)[] Types =
    [
        (16, "bool"), (17, "bytea"), (20, "int8"), (21, "int2"), (23, "int4"), (25, "text"), (26, "oid"), (700, "float4"), (701, "float8"),
        (705, "unknown"), (1043, "varchar"), (1082, "date"), (1114, "timestamp"), (1184, "timestamptz"), (1700, "numeric"), (2278, "void"),
        (2950, "uuid"),
    ];

    public static bool TryAnswer(AdminCommand command, string version, [NotNullWhen(true)] out AdminResult? result)
    {
        result = command.Verb switch
        {
            "SET" or "RESET" or "BEGIN" or "COMMIT" or "ROLLBACK" or "DEALLOCATE" or "CLOSE" => AdminResult.Done(command.Verb),
            "DISCARD" => AdminResult.Done($"DISCARD {command.Subject}"),
            "SELECT" => Select(command, version),
            _ => null,
        };
        return result is not null;
    }

    private static AdminResult? Select(AdminCommand command, string version)
    {
        if (command.Text.Contains("elemtypoid", StringComparison.OrdinalIgnoreCase))
            return TypesForNpgsql();
        if (command.Text.Contains("version()", StringComparison.OrdinalIgnoreCase))
            return new AdminResult("SELECT 1", [new AdminColumn("version", AdminType.Text)], [[version]]);
        if (command.Text.Contains("pg_", StringComparison.OrdinalIgnoreCase))
            return new AdminResult("SELECT 0", [new AdminColumn("nothing", AdminType.Text)], []);
        return command.Arguments is [var only] && long.TryParse(only, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? new AdminResult("SELECT 1", [new AdminColumn("?column?", AdminType.Integer)], [[number]])
            : null;
    }

    /// <summary>Schema, object id, name, kind, whether not null, element's object id.</summary>
    private static AdminResult TypesForNpgsql() => new(
        $"SELECT {Types.Length}",
        [.. ((string[])["nspname", "oid", "typname", "typtype", "typnotnull", "elemtypoid"]).Select(static name => new AdminColumn(name, AdminType.Text))],
        [.. Types.Select(static type => new object?[] { "pg_catalog", type.Oid.ToString(CultureInfo.InvariantCulture), type.Name, "b", "f", null })]);
}
