namespace ShardProxy.Control.Distribution;

/// <summary>
/// Prints the statements that make a table, its partitions and all that belongs to them, in the order in which they must
/// run; for PostgreSQL 14 to 18, under search_path pg_catalog. The server quotes and qualifies, so nothing is pasted
/// together here from names. Where sequences start is left out: that differs from shard to shard (SequenceRange).
/// </summary>
internal static class DefinitionQuery
{
    /// <summary>$1: the table's object id. Columns: step (int4), statement. Partitions come after what they are parts of.</summary>
    public const string Sql = Parts + "SELECT step, statement FROM (" + Schemas
        + " UNION ALL " + Sequences
        + " UNION ALL " + Tables
        + " UNION ALL " + ColumnStorage
        + " UNION ALL " + CheckConstraints
        + " UNION ALL " + Attachments
        + " UNION ALL " + SequenceOwners
        + " UNION ALL " + KeyConstraints
        + " UNION ALL " + Indexes
        + " UNION ALL " + ForeignKeys
        + " UNION ALL " + Triggers
        + " UNION ALL " + Rules
        + " UNION ALL " + Statistics
        + " UNION ALL " + RowSecurity
        + " UNION ALL " + Policies
        + " UNION ALL " + ReplicaIdentity
        + " UNION ALL " + Comments
        + " UNION ALL " + Owners
        + " UNION ALL " + Privileges
        + " UNION ALL " + ColumnPrivileges
        + ") AS s(step, level, ordinal, statement) WHERE statement IS NOT NULL ORDER BY step, level, ordinal, statement";

    /// <summary>Step of the statements that may differ between shards without harm.</summary>
    public const int SchemaStep = 10;

    /// <summary>The table and its partitions (rel), and the sequences that their columns draw from (seq).</summary>
    private const string Parts = """
        WITH RECURSIVE tree(oid, parent, level) AS (
            SELECT $1::oid, NULL::oid, 0
            UNION ALL
            SELECT i.inhrelid, i.inhparent, t.level + 1 FROM pg_inherits i JOIN tree t ON i.inhparent = t.oid
        ), rel AS (
            SELECT c.*, t.parent, t.level, format('%I.%I', n.nspname, c.relname) AS fullname, n.oid AS nspoid, n.nspname, n.nspowner
            FROM tree t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
        ), seq AS (
            SELECT DISTINCT ON (s.oid) s.oid, s.relowner, s.relacl, s.relpersistence, s.fullname, s.owner_column, s.owner_table, s.deptype
            FROM (
                SELECT c.oid, c.relowner, c.relacl, c.relpersistence, format('%I.%I', n.nspname, c.relname) AS fullname,
                       a.attname AS owner_column, r.fullname AS owner_table, d.deptype
                FROM rel r
                JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.classid = 'pg_class'::regclass
                                AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
                JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
                JOIN pg_namespace n ON n.oid = c.relnamespace
                JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid
                UNION ALL
                SELECT c.oid, c.relowner, c.relacl, c.relpersistence, format('%I.%I', n.nspname, c.relname), NULL, NULL, 'n'
                FROM rel r
                JOIN pg_attrdef ad ON ad.adrelid = r.oid
                JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = ad.oid AND d.refclassid = 'pg_class'::regclass
                JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'S'
                JOIN pg_namespace n ON n.oid = c.relnamespace
            ) s
            ORDER BY s.oid, s.deptype
        )

        """;

    private const string Schemas = """
        SELECT DISTINCT 10, 0, 0, format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', nspname, pg_get_userbyid(nspowner))
        FROM rel WHERE nspname <> 'public'
        """;

    private const string Sequences = """
        SELECT 20, 0, 0, format('CREATE %sSEQUENCE IF NOT EXISTS %s AS %s INCREMENT BY %s CACHE %s',
                                CASE seq.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, seq.fullname, format_type(q.seqtypid, NULL), q.seqincrement, q.seqcache)
        FROM seq JOIN pg_sequence q ON q.seqrelid = seq.oid WHERE seq.deptype <> 'i'
        """;

    private const string Tables = """
        SELECT 30, r.level, 0,
               format('CREATE %sTABLE %s (%s)%s%s%s',
                      CASE r.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END,
                      r.fullname,
                      (SELECT string_agg(
                           format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
                           || CASE WHEN a.attcollation NOT IN (0, t.typcollation)
                                   THEN (SELECT format(' COLLATE %I.%I', cn.nspname, co.collname) FROM pg_collation co
                                         JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation)
                                   ELSE '' END
                           || CASE
                                WHEN a.attgenerated = 's' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid))
                                WHEN a.attgenerated <> '' THEN format(' GENERATED ALWAYS AS (%s) VIRTUAL', pg_get_expr(d.adbin, d.adrelid))
                                WHEN d.oid IS NOT NULL THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
                                ELSE '' END
                           || coalesce((SELECT format(' GENERATED %s AS IDENTITY (SEQUENCE NAME %s INCREMENT BY %s CACHE %s)',
                                                      CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, seq.fullname, q.seqincrement, q.seqcache)
                                        FROM seq JOIN pg_sequence q ON q.seqrelid = seq.oid
                                        WHERE a.attidentity <> '' AND seq.deptype = 'i' AND seq.owner_table = r.fullname AND seq.owner_column = a.attname), '')
                           || CASE WHEN a.attnotnull
                                   THEN coalesce((SELECT format(' CONSTRAINT %I', k.conname) FROM pg_constraint k
                                                  WHERE k.conrelid = r.oid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]), '') || ' NOT NULL'
                                   ELSE '' END, ', ' ORDER BY a.attnum)
                       FROM pg_attribute a
                       JOIN pg_type t ON t.oid = a.atttypid
                       LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                       WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
                      CASE WHEN r.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(r.oid) ELSE '' END,
                      CASE WHEN am.amname <> 'heap' AND r.relkind = 'r' THEN format(' USING %I', am.amname) ELSE '' END,
                      coalesce((SELECT ' WITH (' || string_agg(format('%I = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') || ')'
                                FROM unnest(r.reloptions) AS o), ''))
        FROM rel r LEFT JOIN pg_am am ON am.oid = r.relam
        """;

    private const string ColumnStorage = """
        SELECT 40, r.level, a.attnum,
               format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', r.fullname, a.attname,
                      CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END)
        FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid WHERE a.attstorage <> t.typstorage
        UNION ALL
        SELECT 41, r.level, a.attnum,
               format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION %s', r.fullname, a.attname, CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END)
        FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE a.attcompression <> ''
        """;

    // On partitions too, inherited or not: a table must have its parent's checks before it can be attached.
    private const string CheckConstraints = """
        SELECT 50, r.level, 0, format('ALTER TABLE ONLY %s ADD CONSTRAINT %I %s', r.fullname, k.conname, pg_get_constraintdef(k.oid))
        FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype = 'c'
        """;

    private const string Attachments = """
        SELECT 60, r.level, 0, format('ALTER TABLE %s ATTACH PARTITION %s %s', p.fullname, r.fullname, pg_get_expr(r.relpartbound, r.oid))
        FROM rel r JOIN rel p ON p.oid = r.parent WHERE r.relispartition
        """;

    // CASE and not WHERE: the planner may look at whether the text is null before it looks at the row's kind.
    private const string SequenceOwners = """
        SELECT 70, 0, 0, CASE WHEN deptype = 'a' THEN format('ALTER SEQUENCE %s OWNED BY %s.%I', fullname, owner_table, owner_column) END FROM seq
        """;

    private const string KeyConstraints = """
        SELECT 80, r.level, 0, format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.fullname, k.conname, pg_get_constraintdef(k.oid))
        FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype IN ('p', 'u', 'x') AND k.conparentid = 0
        """;

    // pg_get_indexdef prints ON ONLY for a partitioned index; without ONLY the partitions get theirs as well.
    private const string Indexes = """
        SELECT 90, r.level, 0,
               CASE ic.relkind WHEN 'I' THEN replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ' || r.fullname, ' ON ' || r.fullname) ELSE pg_get_indexdef(i.indexrelid) END
        FROM rel r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class ic ON ic.oid = i.indexrelid
        WHERE (i.indisvalid OR ic.relkind = 'I')
          AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
          AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
        """;

    private const string ForeignKeys = """
        SELECT 100, r.level, 0, format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.fullname, k.conname, pg_get_constraintdef(k.oid))
        FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype = 'f' AND k.conparentid = 0
        """;

    private const string Triggers = """
        SELECT 110, r.level, 0, pg_get_triggerdef(t.oid)
        FROM rel r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal AND t.tgname NOT LIKE 'shardproxy_unique_%' AND t.tgparentid = 0
        UNION ALL
        SELECT 111, r.level, 0,
               format('ALTER TABLE %s %s TRIGGER %I', r.fullname,
                      CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, t.tgname)
        FROM rel r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal AND t.tgname NOT LIKE 'shardproxy_unique_%' AND t.tgenabled <> 'O'
        """;

    private const string Rules = """
        SELECT 120, r.level, 0, pg_get_ruledef(w.oid) FROM rel r JOIN pg_rewrite w ON w.ev_class = r.oid
        """;

    private const string Statistics = """
        SELECT 130, r.level, 0, pg_get_statisticsobjdef(x.oid) FROM rel r JOIN pg_statistic_ext x ON x.stxrelid = r.oid
        """;

    private const string RowSecurity = """
        SELECT 140, level, 0, format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', fullname) FROM rel WHERE relrowsecurity
        UNION ALL
        SELECT 141, level, 0, format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', fullname) FROM rel WHERE relforcerowsecurity
        """;

    private const string Policies = """
        SELECT 142, r.level, 0,
               format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, r.fullname,
                      CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                      (SELECT string_agg(CASE g WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g)) END, ', ') FROM unnest(p.polroles) AS g),
                      coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ''),
                      coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''))
        FROM rel r JOIN pg_policy p ON p.polrelid = r.oid
        """;

    private const string ReplicaIdentity = """
        SELECT 150, r.level, 0,
               format('ALTER TABLE %s REPLICA IDENTITY %s', r.fullname,
                      CASE r.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
                           ELSE (SELECT format('USING INDEX %I', ic.relname) FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid
                                 WHERE i.indrelid = r.oid AND i.indisreplident) END)
        FROM rel r WHERE r.relreplident <> 'd'
        """;

    private const string Comments = """
        SELECT 160, r.level, 0, format('COMMENT ON TABLE %s IS %L', r.fullname, d.description)
        FROM rel r JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = r.oid AND d.objsubid = 0
        UNION ALL
        SELECT 161, r.level, a.attnum, format('COMMENT ON COLUMN %s.%I IS %L', r.fullname, a.attname, d.description)
        FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped
        JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = r.oid AND d.objsubid = a.attnum AND a.attnum > 0
        UNION ALL
        SELECT 162, r.level, 0, format('COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname, r.fullname, d.description)
        FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid AND k.conparentid = 0 AND k.contype IN ('c', 'p', 'u', 'x', 'f')
        JOIN pg_description d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid
        UNION ALL
        SELECT 163, r.level, 0, format('COMMENT ON INDEX %I.%I IS %L', r.nspname, ic.relname, d.description)
        FROM rel r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class ic ON ic.oid = i.indexrelid
        JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = i.indexrelid AND d.objsubid = 0
        WHERE NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
        """;

    private const string Owners = """
        SELECT 170, level, 0, format('ALTER TABLE %s OWNER TO %I', fullname, pg_get_userbyid(relowner)) FROM rel
        UNION ALL
        SELECT 171, 0, 0, format('ALTER SEQUENCE %s OWNER TO %I', fullname, pg_get_userbyid(relowner)) FROM seq WHERE deptype = 'n'
        """;

    // A null list means the owner's rights only; a list says all there is, the owner's own included.
    private const string Privileges = """
        SELECT 180, level, 0, format('REVOKE ALL ON TABLE %s FROM PUBLIC, %I', fullname, pg_get_userbyid(relowner)) FROM rel WHERE relacl IS NOT NULL
        UNION ALL
        SELECT 181, r.level, 0,
               format('GRANT %s ON TABLE %s TO %s%s', g.privilege_type, r.fullname,
                      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM rel r, aclexplode(r.relacl) AS g
        UNION ALL
        SELECT 182, 0, 0,
               format('GRANT %s ON SEQUENCE %s TO %s%s', g.privilege_type, s.fullname,
                      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM seq s, aclexplode(s.relacl) AS g
        """;

    private const string ColumnPrivileges = """
        SELECT 183, r.level, a.attnum,
               format('GRANT %s (%I) ON TABLE %s TO %s%s', g.privilege_type, a.attname, r.fullname,
                      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped, aclexplode(a.attacl) AS g
        """;

    /// <summary>$1: the table's object id. The sequences that its columns draw from.</summary>
    public const string SequenceSql = Parts + """
        SELECT seq.fullname, format_type(q.seqtypid, NULL), q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcycle,
               pg_sequence_last_value(seq.oid::regclass)
        FROM seq JOIN pg_sequence q ON q.seqrelid = seq.oid ORDER BY seq.fullname
        """;
}
