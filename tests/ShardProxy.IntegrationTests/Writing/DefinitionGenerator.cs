namespace ShardProxy.IntegrationTests.Writing;

/// <summary>
/// Makes definitions from a seed, and reads and writes of what they have made, over the tables of <see cref="DefinitionSchema"/>. Names
/// come from small pools, so that many statements meet what others have left, and many fail as they should.
/// </summary>
internal sealed class DefinitionGenerator(int seed) : IStatementGenerator
{
    private static readonly string[] Types = ["int4", "int8", "text", "numeric(10,2)", "date", "bool", "varchar(10)", "d_mood", "d_small"];

    private readonly Random _random = new(seed);

    public int Roll(int sides) => _random.Next(sides);

    public string Next(bool inBlock) => Roll(20) switch
    {
        < 5 => Write(),
        < 8 => Read(),
        < 12 => Column(),
        < 15 => Constraint(),
        < 17 => Index(inBlock),
        < 18 => Pick(View(), Partition()),
        _ => Other(),
    };

    private string Write()
    {
        var (table, keys) = Table();
        var column = Name();
        return Roll(7) switch
        {
            0 or 1 => $"INSERT INTO {table} ({keys}, {column}) VALUES {Row(table)}{Pick("", ", " + Row(table))}{Pick("", " ON CONFLICT DO NOTHING")}",
            2 => $"INSERT INTO {table} ({keys}) VALUES {Row(table, withColumn: false)} RETURNING *",
            3 or 4 => $"UPDATE {table} SET {column} = {Literal()}{Where(table)}{Pick("", " RETURNING *")}",
            5 => $"DELETE FROM {table}{Where(table)}{Pick("", " RETURNING *")}",
            _ => $"INSERT INTO {table} ({keys}, {column}) SELECT {Keys(table)}, {Literal()} WHERE {Pick("true", "false")}",
        };
    }

    private string Read()
    {
        var (table, _) = Table();
        return Pick(
            $"SELECT * FROM {table}{Where(table)}",
            $"SELECT {Name()}, count(*) FROM {table} GROUP BY 1",
            $"SELECT count({Name()}), min({Name()}::text COLLATE \"C\") FROM {table}{Where(table)}",
            $"SELECT p.*, i.{Name()} FROM d_parts p JOIN d_items i ON i.id = p.item",
            $"SELECT i.id, k.code FROM d_items i JOIN d_kinds k ON k.{Name()}::text = i.{Name()}::text",
            $"SELECT n.id, i.id FROM d_notes n LEFT JOIN d_items i ON i.{Name()}::text = n.{Name()}::text",
            $"SELECT * FROM d_view{1 + Roll(2)}",
            "SELECT * FROM d_copy",
            $"SELECT id, d_twice(c2) FROM d_items WHERE id < {Key()}");
    }

    private string Column()
    {
        var (table, _) = Table();
        var name = Name();
        return Roll(10) switch
        {
            0 or 1 or 2 => $"ALTER TABLE {table} ADD COLUMN {Pick("", "IF NOT EXISTS ")}{name} {Pick(Types)}{Pick("", "", $" DEFAULT {Literal()}", $" NOT NULL DEFAULT {Literal()}", " NOT NULL", " UNIQUE", $" CHECK ({name} IS NULL OR {name}::text <> '3')")}",
            3 => $"ALTER TABLE {table} DROP COLUMN {Pick("", "IF EXISTS ")}{name}{Pick("", " CASCADE")}",
            4 => $"ALTER TABLE {table} RENAME COLUMN {name} TO {Name()}",
            5 => $"ALTER TABLE {table} ALTER COLUMN {name} TYPE {Typed(name)}",
            6 => $"ALTER TABLE {table} ALTER COLUMN {name} {Pick("DROP DEFAULT", $"SET DEFAULT {Literal()}")}",
            7 => $"ALTER TABLE {table} ALTER COLUMN {name} {Pick("DROP NOT NULL", "SET NOT NULL")}",
            8 => $"ALTER TABLE {table} ADD COLUMN {name} {Pick(Types)}, {Pick($"DROP COLUMN {Name()}", $"ALTER COLUMN {Name()} DROP DEFAULT", $"ADD CHECK ({name} IS NULL OR {name}::text > '')")}",
            _ => $"COMMENT ON COLUMN {table}.{name} IS {Pick("NULL", "'seen'")}",
        };
    }

    private string Typed(string name)
    {
        var type = Pick(Types);
        return Roll(3) == 0 ? type : $"{type} USING {Pick($"{name}::text::{type}", "NULL", $"'1'::text::{type}")}";
    }

    private string Constraint()
    {
        var (table, keys) = Table();
        var name = $"d_k{1 + Roll(4)}";
        return Roll(8) switch
        {
            0 or 1 => $"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({Name()} IS NULL OR {Name()}::text <> {Literal()}){Pick("", " NOT VALID")}",
            2 => $"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({Pick($"{keys}, {Name()}", Name(), $"{Name()}, {Name()}")})",
            3 => Pick(
                $"ALTER TABLE d_parts ADD CONSTRAINT {name} FOREIGN KEY (item) REFERENCES d_items{Pick("", " ON DELETE CASCADE")}{Pick("", " NOT VALID")}",
                $"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({Name()}) REFERENCES d_kinds{Pick("", " NOT VALID")}",
                $"ALTER TABLE d_notes ADD CONSTRAINT {name} FOREIGN KEY (c2) REFERENCES d_notes"),
            4 => $"ALTER TABLE {table} VALIDATE CONSTRAINT {name}",
            5 => $"ALTER TABLE {table} DROP CONSTRAINT {Pick("", "IF EXISTS ")}{name}",
            6 => $"ALTER TABLE {table} RENAME CONSTRAINT {name} TO d_k{1 + Roll(4)}",
            _ => $"ALTER TABLE {table} ALTER COLUMN {Name()} SET NOT NULL, ADD CONSTRAINT {name} CHECK ({Name()} IS NOT NULL)",
        };
    }

    private string Index(bool inBlock)
    {
        var (table, keys) = Table();
        var name = $"d_x{1 + Roll(4)}";
        return Roll(6) switch
        {
            0 or 1 => $"CREATE {Pick("", "", "UNIQUE ")}INDEX {(inBlock || Roll(3) > 0 ? "" : "CONCURRENTLY ")}{Pick("", "IF NOT EXISTS ")}{name} ON {table} ({Pick(Name(), $"{keys}, {Name()}", $"({Name()}::text || 'x')", $"{Name()} DESC")}){Pick("", "", $" WHERE {Name()} IS NOT NULL")}",
            2 => $"DROP INDEX {Pick("", "IF EXISTS ")}{name}{Pick("", " CASCADE")}",
            3 => $"ALTER INDEX {name} RENAME TO d_x{1 + Roll(4)}",
            4 => $"COMMENT ON INDEX {name} IS 'an index'",
            // Of a partitioned table PostgreSQL refuses it in a block, in other words.
            _ => $"REINDEX TABLE {(inBlock && table == "d_events" ? "d_items" : table)}",
        };
    }

    private string View()
    {
        var name = $"d_view{1 + Roll(2)}";
        return Pick(
            $"CREATE {Pick("", "OR REPLACE ")}VIEW {name} AS SELECT {Pick("*", "id, c1", $"id, {Name()} AS c")} FROM d_items{Where("d_items")}",
            $"CREATE VIEW {name} AS SELECT p.item, p.n, i.{Name()} FROM d_parts p JOIN d_items i ON i.id = p.item",
            $"CREATE VIEW {name} AS SELECT {Name()}, count(*) FROM d_notes GROUP BY 1",
            $"DROP VIEW {Pick("", "IF EXISTS ")}{name}{Pick("", " CASCADE")}",
            $"ALTER VIEW {name} RENAME TO d_view{1 + Roll(2)}",
            $"GRANT SELECT ON {name} TO PUBLIC");
    }

    private string Partition()
    {
        var name = $"d_e{1 + Roll(3)}";
        return Pick(
            $"CREATE TABLE {Pick("", "IF NOT EXISTS ")}{name} PARTITION OF d_events {Pick("FOR VALUES FROM (0) TO (50)", "FOR VALUES FROM (50) TO (100)", "DEFAULT")}",
            $"DROP TABLE {Pick("", "IF EXISTS ")}{name}",
            $"ALTER TABLE {name} RENAME TO d_e{1 + Roll(3)}",
            $"ALTER TABLE {name} {Pick($"ALTER COLUMN {Name()} SET DEFAULT {Literal()}", $"ADD CONSTRAINT d_k{1 + Roll(4)} CHECK ({Name()} IS NOT NULL)")}",
            $"CREATE INDEX d_x{1 + Roll(4)} ON {name} ({Name()})",
            $"INSERT INTO {name} (id, n) VALUES ({Key()}, {Roll(110)})",
            $"UPDATE {name} SET {Name()} = {Literal()}",
            $"SELECT * FROM {name}",
            $"TRUNCATE {name}",
            $"COMMENT ON TABLE {name} IS 'a part'");
    }

    private string Other()
    {
        var (table, _) = Table();
        return Pick(
            $"TRUNCATE {Pick(table, "d_items, d_parts", "d_notes")}{Pick("", " CASCADE")}",
            $"COMMENT ON TABLE {table} IS {Pick("NULL", "'a table'")}",
            $"GRANT {Pick("SELECT", "INSERT, UPDATE", "ALL")} ON {table} TO PUBLIC",
            $"REVOKE {Pick("SELECT", "ALL")} ON {table} FROM PUBLIC",
            $"ALTER TYPE d_mood ADD VALUE {Pick("", "IF NOT EXISTS ")}'{Pick("great", "1", "12")}'",
            "CREATE DOMAIN d_small AS int4 CHECK (VALUE < 1000)",
            $"DROP DOMAIN {Pick("", "IF EXISTS ")}d_small{Pick("", " CASCADE")}",
            $"CREATE {Pick("", "OR REPLACE ")}FUNCTION d_twice(n int4) RETURNS int8 LANGUAGE sql IMMUTABLE AS 'SELECT {Pick("n * 2::int8", "n::int8 + n")}'",
            $"DROP FUNCTION {Pick("", "IF EXISTS ")}d_twice(int4)",
            "CREATE OR REPLACE FUNCTION d_touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.c1 := ''touched''; RETURN NEW; END'",
            $"CREATE TRIGGER d_stamp BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION d_touch()",
            $"DROP TRIGGER {Pick("", "IF EXISTS ")}d_stamp ON {table}",
            $"CREATE TABLE {Pick("", "IF NOT EXISTS ")}d_copy AS SELECT {Pick("*", "c1, c2")} FROM {table}",
            $"DROP TABLE {Pick("", "IF EXISTS ")}d_copy",
            $"ALTER TABLE {table} {Pick("ENABLE", "DISABLE")} TRIGGER d_stamp",
            $"ANALYZE {table}",
            $"LOCK TABLE {table} IN SHARE MODE");
    }

    private (string Name, string Keys) Table() => Roll(8) switch
    {
        < 3 => ("d_items", "id"),
        < 5 => ("d_parts", "item, n"),
        5 => ("d_events", "id, n"),
        6 => ("d_kinds", "code"),
        _ => ("d_notes", "id"),
    };

    private string Row(string table, bool withColumn = true) => $"({Keys(table)}{(withColumn ? ", " + Pick(Literal(), "DEFAULT") : "")})";

    private string Keys(string table) => table switch
    {
        "d_parts" => $"{Key()}, {30 + Roll(30)}",
        "d_events" => $"{Key()}, {20 + Roll(90)}",
        "d_kinds" => $"'{Pick("a", "d", "e", "f")}'",
        _ => $"{Key()}",
    };

    private string Where(string table) => Roll(6) switch
    {
        0 => "",
        1 or 2 => $" WHERE {Name()}::text {Pick("=", "<>")} {Literal()}",
        3 => $" WHERE {Name()} IS {Pick("", "NOT ")}NULL",
        _ => table switch
        {
            "d_parts" => $" WHERE item {Pick("=", "<")} {Key()}",
            "d_kinds" => $" WHERE code > '{Pick("a", "b")}'",
            _ => $" WHERE id {Pick("=", ">")} {Key()}",
        },
    };

    private string Literal() => Pick("'1'", "'2'", "'12'", "'3'", "NULL", "'2020-01-01'", "'true'", "'sad'");

    private string Name() => $"c{1 + Roll(4)}";

    private int Key() => 1 + Roll(20);

    private string Pick(params string[] from) => from[Roll(from.Length)];
}
