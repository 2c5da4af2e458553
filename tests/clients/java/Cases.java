import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Objects;
import java.util.Properties;
import java.util.UUID;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What JDBC applications do, tried against the server that the PG* variables name. Usage: java Cases CASE */
public final class Cases {
    private static final long BASE = 40_000;

    public static void main(String[] arguments) throws Exception {
        try {
            Cases.class.getDeclaredMethod(arguments[0]).invoke(null);
        } catch (java.lang.reflect.InvocationTargetException exception) {
            exception.getCause().printStackTrace();
            System.exit(1);
        }
    }

    private static Connection connect(String... more) throws SQLException {
        var properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        for (var index = 0; index < more.length; index += 2) {
            properties.setProperty(more[index], more[index + 1]);
        }
        var url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        return DriverManager.getConnection(url, properties);
    }

    private static void same(Object expected, Object actual) {
        if (!Objects.deepEquals(expected, actual)) {
            throw new AssertionError("expected " + expected + " but was " + actual);
        }
    }

    static void types() throws SQLException {
        for (var mode : new String[] {"extended", "extendedForPrepared", "extendedCacheEverything"}) {
            try (var connection = connect("preferQueryMode", mode, "binaryTransfer", "true", "prepareThreshold", "2")) {
                for (var id = BASE; id < BASE + 8; id++) {
                    try (var insert = connection.prepareStatement(
                            "INSERT INTO kinds (id, i2, i4, i8, f4, f8, n, b, t, by, d, ts, tz, u, ai, jb) "
                                    + "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb)")) {
                        insert.setLong(1, id);
                        insert.setShort(2, (short) -7);
                        insert.setInt(3, Integer.MAX_VALUE);
                        insert.setLong(4, Long.MAX_VALUE);
                        insert.setFloat(5, 1.5f);
                        insert.setDouble(6, 0.1);
                        insert.setBigDecimal(7, new BigDecimal("12345678901234567890.123"));
                        insert.setBoolean(8, true);
                        insert.setString(9, "żółw ' \" \\ ?");
                        insert.setBytes(10, new byte[] {0, 1, -2, -1});
                        insert.setObject(11, LocalDate.of(2024, 2, 29));
                        insert.setObject(12, LocalDateTime.of(2024, 2, 29, 12, 34, 56));
                        insert.setObject(13, OffsetDateTime.of(2024, 2, 29, 12, 34, 56, 0, ZoneOffset.UTC));
                        insert.setObject(14, UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
                        insert.setArray(15, connection.createArrayOf("int4", new Integer[] {1, null, 3}));
                        insert.setString(16, "{\"a\": 1}");
                        same(1, insert.executeUpdate());
                    }
                    try (var select = connection.prepareStatement("SELECT * FROM kinds WHERE id = ?")) {
                        select.setLong(1, id);
                        try (var rows = select.executeQuery()) {
                            same(true, rows.next());
                            same((short) -7, rows.getShort("i2"));
                            same(Integer.MAX_VALUE, rows.getInt("i4"));
                            same(Long.MAX_VALUE, rows.getLong("i8"));
                            same(1.5f, rows.getFloat("f4"));
                            same(0.1, rows.getDouble("f8"));
                            same(new BigDecimal("12345678901234567890.123"), rows.getBigDecimal("n"));
                            same(true, rows.getBoolean("b"));
                            same("żółw ' \" \\ ?", rows.getString("t"));
                            same(true, Arrays.equals(new byte[] {0, 1, -2, -1}, rows.getBytes("by")));
                            same(LocalDate.of(2024, 2, 29), rows.getObject("d", LocalDate.class));
                            same(LocalDateTime.of(2024, 2, 29, 12, 34, 56), rows.getObject("ts", LocalDateTime.class));
                            same(OffsetDateTime.of(2024, 2, 29, 12, 34, 56, 0, ZoneOffset.UTC), rows.getObject("tz", OffsetDateTime.class));
                            same(UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), rows.getObject("u"));
                            Array array = rows.getArray("ai");
                            same(true, Arrays.equals(new Integer[] {1, null, 3}, (Integer[]) array.getArray()));
                            same("{\"a\": 1}", rows.getString("jb"));
                            same(null, rows.getObject("m"));
                        }
                    }
                    try (var delete = connection.prepareStatement("DELETE FROM kinds WHERE id = ?")) {
                        delete.setLong(1, id);
                        same(1, delete.executeUpdate());
                    }
                }
            }
        }
    }

    static void transactions() throws SQLException {
        try (var connection = connect()) {
            connection.setAutoCommit(false);
            for (var id = BASE; id < BASE + 10; id++) {
                try (var insert = connection.prepareStatement("INSERT INTO users (id, name) VALUES (?, 'x')")) {
                    insert.setLong(1, id);
                    insert.executeUpdate();
                    Savepoint savepoint = connection.setSavepoint("again");
                    try {
                        insert.executeUpdate();
                        throw new AssertionError("no error");
                    } catch (SQLException error) {
                        same("23505", error.getSQLState());
                    }
                    connection.rollback(savepoint);
                }
                if (id % 2 == 0) {
                    connection.rollback();
                } else {
                    connection.commit();
                }
            }
            for (var id = BASE; id < BASE + 10; id++) {
                try (var delete = connection.prepareStatement("DELETE FROM users WHERE id = ?")) {
                    delete.setLong(1, id);
                    same((int) (id % 2), delete.executeUpdate());
                }
                connection.commit();
            }
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            connection.setReadOnly(true);
            try (var statement = connection.createStatement();
                    var rows = statement.executeQuery("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only') FROM users WHERE id = 1")) {
                rows.next();
                same("serializable", rows.getString(1));
                same("on", rows.getString(2));
            }
            connection.rollback();
        }
    }

    static void batches() throws SQLException {
        for (var rewrite : new String[] {"false", "true"}) {
            try (var connection = connect("reWriteBatchedInserts", rewrite)) {
                // All rows of one user, so that a rewritten multi-row INSERT is for one shard too.
                try (var insert = connection.prepareStatement("INSERT INTO orders (user_id, id, amount) VALUES (?, ?, ?)")) {
                    for (var line = 0; line < 200; line++) {
                        insert.setLong(1, 7);
                        insert.setInt(2, 1000 + line);
                        insert.setBigDecimal(3, BigDecimal.valueOf(line));
                        insert.addBatch();
                    }
                    same(200, insert.executeBatch().length);
                }
                try (var statement = connection.createStatement()) {
                    same(200, statement.executeUpdate("DELETE FROM orders WHERE user_id = 7 AND id >= 1000"));
                }
            }
        }
        try (var connection = connect()) {
            // A failing entry names itself and, in autocommit, takes the entries of its batch with it.
            try (var insert = connection.prepareStatement("INSERT INTO orders (user_id, id) VALUES (7, ?)")) {
                for (var id : new int[] {2000, 2001, 1, 2002}) {
                    insert.setInt(1, id);
                    insert.addBatch();
                }
                insert.executeBatch();
                throw new AssertionError("no error");
            } catch (BatchUpdateException error) {
                same("23505", error.getSQLState());
            }
            try (var statement = connection.createStatement()) {
                same(0, statement.executeUpdate("DELETE FROM orders WHERE user_id = 7 AND id >= 2000"));
            }
        }
    }

    static void prepared() throws SQLException {
        try (var connection = connect("preferQueryMode", "simple");
                var select = connection.prepareStatement("SELECT name FROM users WHERE id = ? AND name <> ?")) {
            select.setLong(1, 3);
            select.setString(2, "it's \\ not");
            try (var rows = select.executeQuery()) {
                rows.next();
                same("user 3", rows.getString(1));
            }
        }
        try (var connection = connect("prepareThreshold", "3")) {
            try (var select = connection.prepareStatement("SELECT name FROM users WHERE id = ?")) {
                for (var round = 0; round < 5; round++) {
                    for (var id = 1; id <= 40; id++) {
                        select.setLong(1, id);
                        try (var rows = select.executeQuery()) {
                            rows.next();
                            same("user " + id, rows.getString(1));
                        }
                    }
                }
                same(1, select.getParameterMetaData().getParameterCount());
                same(Types.VARCHAR, select.getMetaData().getColumnType(1));
            }
        }
    }

    static void copy() throws Exception {
        try (var connection = connect()) {
            CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
            var data = new StringBuilder();
            for (var id = BASE; id < BASE + 300; id++) {
                data.append(id).append(",\"name \"\"").append(id).append("\"\"\"\n");
            }
            same(300L, copy.copyIn("COPY users (id, name) FROM STDIN CSV", new StringReader(data.toString())));
            var out = new StringWriter();
            copy.copyOut("COPY users (id, name) TO STDOUT CSV", out);
            var back = out.toString().lines().filter(line -> Long.parseLong(line.substring(0, line.indexOf(','))) >= BASE).sorted().toList();
            same(data.toString().lines().sorted().toList(), back);
            try (var delete = connection.prepareStatement("DELETE FROM users WHERE id = ?")) {
                for (var id = BASE; id < BASE + 300; id++) {
                    delete.setLong(1, id);
                    same(1, delete.executeUpdate());
                }
            }
        }
    }

    static void generatedKeys() throws SQLException {
        try (var connection = connect()) {
            try (var insert = connection.prepareStatement("INSERT INTO users (id, name) VALUES (?, 'keyed')", Statement.RETURN_GENERATED_KEYS)) {
                insert.setLong(1, BASE);
                insert.executeUpdate();
                try (ResultSet keys = insert.getGeneratedKeys()) {
                    same(true, keys.next());
                    same(BASE, keys.getLong("id"));
                }
            }
            try (var statement = connection.createStatement()) {
                same(1, statement.executeUpdate("DELETE FROM users WHERE id = " + BASE, new String[] {"id"}));
            }
        }
    }

    static void fetchSize() throws SQLException {
        try (var connection = connect()) {
            connection.setAutoCommit(false);
            try (var statement = connection.createStatement()) {
                statement.setFetchSize(100);
                try (var rows = statement.executeQuery("SELECT n FROM generate_series(1, 1234) n")) {
                    var count = 0;
                    while (rows.next()) {
                        count++;
                    }
                    same(1234, count);
                }
                statement.setFetchSize(1);
                try (var rows = statement.executeQuery("SELECT id FROM orders WHERE user_id = 7 ORDER BY id")) {
                    for (var id = 1; id <= 3; id++) {
                        same(true, rows.next());
                        same(id, rows.getInt(1));
                    }
                    same(false, rows.next());
                }
            }
            connection.commit();
        }
    }

    static void errors() throws SQLException {
        try (var connection = connect(); var statement = connection.createStatement()) {
            try {
                statement.execute("INSERT INTO users (id, name) VALUES (1, 'x')");
                throw new AssertionError("no error");
            } catch (PSQLException error) {
                ServerErrorMessage message = error.getServerErrorMessage();
                same("23505", message.getSQLState());
                same("users_pkey", message.getConstraint());
                same("users", message.getTable());
                same("Key (id)=(1) already exists.", message.getDetail());
            }
            try {
                statement.execute("SELECT nothing FROM users WHERE id = 1");
                throw new AssertionError("no error");
            } catch (PSQLException error) {
                same("42703", error.getSQLState());
                same(8, error.getServerErrorMessage().getPosition());
            }
            statement.execute("DO $$ BEGIN RAISE WARNING 'careful'; END $$");
            same("careful", statement.getWarnings().getMessage());
        }
    }

    static void cancel() throws Exception {
        try (var connection = connect(); var statement = connection.createStatement()) {
            var canceller = new Thread(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    try {
                        Thread.sleep(200);
                        statement.cancel();
                    } catch (InterruptedException | SQLException stop) {
                        return;
                    }
                }
            });
            canceller.start();
            try {
                statement.execute("SELECT pg_sleep(60) FROM users WHERE id = 5");
                throw new AssertionError("not cancelled");
            } catch (SQLException error) {
                same("57014", error.getSQLState());
            }
            canceller.interrupt();
            canceller.join();
        }
        try (var connection = connect(); var statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            statement.execute("SELECT pg_sleep(60) FROM users WHERE id = 6");
            throw new AssertionError("not cancelled");
        } catch (SQLException error) {
            same("57014", error.getSQLState());
        }
    }

    static void metadata() throws SQLException {
        try (var connection = connect()) {
            var metadata = connection.getMetaData();
            same("PostgreSQL", metadata.getDatabaseProductName());
            try (var tables = metadata.getTables(null, "public", "users", null)) {
                same(true, tables.next());
            }
            try (var columns = metadata.getColumns(null, "public", "orders", "%")) {
                var count = 0;
                while (columns.next()) {
                    count++;
                }
                same(6, count);
            }
            try (var keys = metadata.getPrimaryKeys(null, "public", "orders")) {
                same(true, keys.next());
                same("user_id", keys.getString("COLUMN_NAME"));
            }
        }
    }
}
