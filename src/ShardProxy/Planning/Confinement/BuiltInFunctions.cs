using System.Collections.Frozen;

namespace ShardProxy.Planning.Confinement;

/// <param name="NeedsHome">Its state is the home shard's.</param>
/// <param name="PrefersHome">It looks at catalogs or the server: on the home shard where nothing else decides.</param>
internal readonly record struct FunctionEffect(Traits Traits, bool NeedsHome, bool PrefersHome);

/// <summary>PostgreSQL's own functions whose result depends on the server or the session, or that change something there.</summary>
internal static class BuiltInFunctions
{
    private static readonly FunctionEffect Sequence = new(Traits.Writes | Traits.DrawsOnServer, true, true);
    private static readonly FunctionEffect SessionLock = new(Traits.Pins, true, true);
    private static readonly FunctionEffect OnHome = new(Traits.None, true, true);
    private static readonly FunctionEffect WritesHome = new(Traits.Writes, true, true);
    private static readonly FunctionEffect SessionState = new(Traits.FollowsTransaction, false, false);
    private static readonly FunctionEffect Catalog = new(Traits.None, false, true);

    private static readonly FrozenDictionary<string, FunctionEffect> Known = new Dictionary<string, FunctionEffect>
    {
        ["nextval"] = Sequence,
        ["setval"] = Sequence,
        ["currval"] = new(Traits.FollowsTransaction | Traits.ReadsSequences, true, true),
        ["lastval"] = new(Traits.FollowsTransaction | Traits.ReadsSequences, true, true),
        ["pg_advisory_lock"] = SessionLock,
        ["pg_advisory_lock_shared"] = SessionLock,
        ["pg_try_advisory_lock"] = SessionLock,
        ["pg_try_advisory_lock_shared"] = SessionLock,
        ["pg_advisory_unlock"] = OnHome,
        ["pg_advisory_unlock_shared"] = OnHome,
        ["pg_advisory_unlock_all"] = new(Traits.Unpins, true, true),
        ["pg_advisory_xact_lock"] = WritesHome,
        ["pg_advisory_xact_lock_shared"] = WritesHome,
        ["pg_try_advisory_xact_lock"] = WritesHome,
        ["pg_try_advisory_xact_lock_shared"] = WritesHome,
        ["pg_notify"] = WritesHome,
        ["pg_listening_channels"] = OnHome,
        ["set_config"] = new(Traits.Taints | Traits.FollowsTransaction, false, false),
        ["pg_export_snapshot"] = new(Traits.FollowsTransaction, true, true),
        ["loread"] = OnHome,
        ["lowrite"] = WritesHome,
        ["pg_backend_pid"] = SessionState,
        ["current_setting"] = SessionState,
        ["txid_current"] = SessionState,
        ["txid_current_if_assigned"] = SessionState,
        ["pg_current_xact_id"] = SessionState,
        ["pg_current_xact_id_if_assigned"] = SessionState,
        ["pg_cancel_backend"] = OnHome,
        ["pg_terminate_backend"] = OnHome,
        ["pg_create_restore_point"] = WritesHome,
        ["pg_switch_wal"] = WritesHome,
        ["pg_typeof"] = default,
        ["pg_sleep"] = default,
        ["pg_sleep_for"] = default,
        ["pg_sleep_until"] = default,
        ["pg_column_size"] = default,
        ["pg_size_pretty"] = default,
        ["pg_size_bytes"] = default,
        ["pg_client_encoding"] = SessionState,
        ["obj_description"] = Catalog,
        ["col_description"] = Catalog,
        ["shobj_description"] = Catalog,
        ["format_type"] = Catalog,
        ["to_regclass"] = Catalog,
        ["to_regtype"] = Catalog,
        ["to_regproc"] = Catalog,
        ["to_regprocedure"] = Catalog,
        ["to_regnamespace"] = Catalog,
        ["to_regrole"] = Catalog,
        ["to_regoper"] = Catalog,
        ["to_regoperator"] = Catalog,
        ["to_regcollation"] = Catalog,
        ["current_database"] = Catalog,
        ["current_schema"] = Catalog,
        ["current_schemas"] = Catalog,
        ["current_query"] = Catalog,
        ["currtid2"] = Catalog,
        ["getdatabaseencoding"] = Catalog,
        ["get_current_ts_config"] = Catalog,
        ["inet_client_addr"] = Catalog,
        ["inet_client_port"] = Catalog,
        ["inet_server_addr"] = Catalog,
        ["inet_server_port"] = Catalog,
        ["mxid_age"] = Catalog,
        ["row_security_active"] = Catalog,
        ["version"] = Catalog,
        ["txid_current_snapshot"] = SessionState,
        ["txid_status"] = SessionState,
        ["query_to_xml"] = WritesHome,
        ["table_to_xml"] = WritesHome,
        ["cursor_to_xml"] = WritesHome,
        ["schema_to_xml"] = WritesHome,
        ["database_to_xml"] = WritesHome,
    }.ToFrozenDictionary();

    /// <summary>Volatile functions of pg_catalog that have no state of the server's: each call gives another value.</summary>
    public static bool IsVolatile(string name) =>
        name is "random" or "random_normal" or "setseed" or "gen_random_uuid" or "uuidv4" or "uuidv7" or "clock_timestamp" or "timeofday"
            or "pg_sleep" or "pg_sleep_for" or "pg_sleep_until";

    /// <summary>One value for a whole statement or transaction.</summary>
    public static bool ReadsClock(string name) => name is "now" or "transaction_timestamp" or "statement_timestamp" or "age";

    /// <summary>Calls for which one timestamp can stand.</summary>
    public static bool IsStatementClock(string name) => name is "now" or "transaction_timestamp" or "statement_timestamp";

    public static FunctionEffect EffectOf(string name)
    {
        if (Known.TryGetValue(name, out var effect))
            return effect;
        if (name.StartsWith("lo_", StringComparison.Ordinal))
            return WritesHome;
        return name.StartsWith("pg_", StringComparison.Ordinal) || name.StartsWith("has_", StringComparison.Ordinal) ? Catalog : default;
    }
}
