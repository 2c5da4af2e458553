using Npgsql;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Distribution;

/// <summary>
/// Views that read a table which is being distributed: they were made on the home shard, as the table was, and are made on the
/// other shards with it, as a view over distributed tables is. A view that reads what only the home shard has stays there.
/// </summary>
internal static class DependentViews
{
    /// <summary>$1: the table. Views in the order in which they build on each other, each with its owner and privileges.</summary>
    private const string Sql = """
        WITH RECURSIVE uses(view, level) AS (
            SELECT r.ev_class, 1 FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> d.refobjid
            WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1
            UNION
            SELECT r.ev_class, u.level + 1 FROM uses u
            JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = u.view
            JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> u.view
            WHERE u.level < 64
        ), views AS (
            SELECT c.*, format('%I.%I', n.nspname, c.relname) AS fullname, max(u.level) AS level
            FROM uses u JOIN pg_class c ON c.oid = u.view AND c.relkind = 'v' AND c.relpersistence = 'p' JOIN pg_namespace n ON n.oid = c.relnamespace
            GROUP BY c.oid, n.nspname, c.relname
        )
        SELECT v.fullname,
               format('CREATE VIEW %s (%s)%s AS %s', v.fullname,
                      (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = v.oid AND a.attnum > 0),
                      CASE WHEN v.reloptions IS NULL THEN '' ELSE ' WITH (' || array_to_string(v.reloptions, ', ') || ')' END,
                      rtrim(pg_get_viewdef(v.oid), ';'))
               || format('; ALTER VIEW %s OWNER TO %I', v.fullname, pg_get_userbyid(v.relowner))
               || coalesce((SELECT string_agg(format('; GRANT %s ON TABLE %s TO %s%s', g.privilege_type, v.fullname,
                                                     CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                                                     CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), '')
                            FROM aclexplode(v.relacl) AS g), '')
        FROM views v ORDER BY v.level, v.fullname
        """;

    public static async Task<IReadOnlyList<DependentView>> ReadAsync(NpgsqlConnection home, uint table, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Sql, home);
        command.Parameters.Add(new NpgsqlParameter { Value = table, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
        var views = new List<DependentView>();
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
            views.Add(new DependentView(reader.GetString(0), reader.GetString(1)));
        return views;
    }

    /// <summary>Makes those that are not there and find all that they read, inside the caller's transaction on the shard.</summary>
    public static async Task MakeAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<DependentView> views, CancellationToken cancel)
    {
        const string Savepoint = "view";
        foreach (var view in views)
        {
            if (await TableAccess.FindAsync(connection, view.Name, cancel) != 0)
                continue;
            await transaction.SaveAsync(Savepoint, cancel);
            try
            {
                await TableAccess.ExecuteAsync(connection, view.Statements, cancel);
            }
            catch (PostgresException exception) when (exception.SqlState is SqlStates.UndefinedTable or SqlStates.InvalidSchemaName)
            {
                // It reads a table that is not distributed, or not yet: with that one it is looked at again.
                await transaction.RollbackAsync(Savepoint, cancel);
            }
        }
    }
}

/// <param name="Name">Qualified and quoted for SQL.</param>
internal sealed record DependentView(string Name, string Statements);
