"""What psycopg 3 applications do, tried against the server that the PG* variables name. Usage: psycopg3_cases.py CASE"""

import datetime
import decimal
import sys
import threading
import time
import uuid

import psycopg
from psycopg import errors
from psycopg.types.json import Jsonb

BASE = 20_000


def types():
    row = {
        "i2": -7, "i4": 2147483647, "i8": 2**63 - 1, "f8": 0.1, "n": decimal.Decimal("12345678901234567890.123"), "b": True,
        "t": "żółw ' \" \\", "vc": "varchar", "by": b"\x00\x01\xfe\xff", "d": datetime.date(2024, 2, 29),
        "ti": datetime.time(12, 34, 56, 789), "ts": datetime.datetime(2024, 2, 29, 12, 0, 0, 1),
        "tz": datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.timezone.utc), "iv": datetime.timedelta(days=3, seconds=5),
        "u": uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), "ai": [1, None, 3], "at": ["a,b", '"'],
    }
    names = ", ".join(row)
    with psycopg.connect(autocommit=True) as connection:
        for binary in (False, True):
            for identity in range(BASE, BASE + 8):
                cursor = connection.cursor(binary=binary)
                marks = ", ".join(["%b" if binary else "%s"] * (len(row) + 1))
                cursor.execute(f"INSERT INTO kinds (id, {names}) VALUES ({marks}) RETURNING {names}", [identity, *row.values()])
                assert list(cursor.fetchone()) == list(row.values())
                cursor.execute("SELECT jb FROM kinds WHERE id = %s", [identity])
                cursor.execute("UPDATE kinds SET jb = %s, m = %s WHERE id = %s", [Jsonb({"a": [1, None]}), "happy", identity])
                cursor.execute("SELECT jb, m::text FROM kinds WHERE id = %s", [identity])
                assert cursor.fetchone() == ({"a": [1, None]}, "happy")
                cursor.execute("DELETE FROM kinds WHERE id = %s", [identity])
                assert cursor.rowcount == 1


def enums():
    import enum
    from psycopg.types.enum import EnumInfo, register_enum
    from psycopg.types.composite import CompositeInfo, register_composite

    class Mood(enum.Enum):
        sad = "sad"
        ok = "ok"
        happy = "happy"

    with psycopg.connect(autocommit=True) as connection:
        register_enum(EnumInfo.fetch(connection, "mood"), connection, Mood)
        pair = CompositeInfo.fetch(connection, "pair")
        register_composite(pair, connection)
        for binary in (False, True):
            for identity in range(BASE + 100, BASE + 108):
                cursor = connection.cursor(binary=binary)
                cursor.execute(
                    "INSERT INTO kinds (id, m, am, p) VALUES (%s, %s, %s, %s) RETURNING m, am, p",
                    [identity, Mood.happy, [Mood.sad, Mood.ok], pair.python_type(1, "x")])
                mood, moods, composite = cursor.fetchone()
                assert (mood, moods, composite) == (Mood.happy, [Mood.sad, Mood.ok], (1, "x")), (mood, moods, composite)
                cursor.execute("DELETE FROM kinds WHERE id = %s", [identity])


def transactions():
    with psycopg.connect() as connection:
        for identity in range(BASE, BASE + 10):
            with connection.transaction(force_rollback=identity % 2 == 0):
                connection.execute("INSERT INTO users (id, name) VALUES (%s, 'x')", [identity])
                try:
                    with connection.transaction():
                        connection.execute("INSERT INTO users (id, name) VALUES (%s, 'again')", [identity])
                except errors.UniqueViolation:
                    pass
        connection.commit()
        for identity in range(BASE, BASE + 10):
            found = connection.execute("SELECT count(*) FROM users WHERE id = %s", [identity]).fetchone()[0]
            assert found == identity % 2, (identity, found)
            connection.execute("DELETE FROM users WHERE id = %s", [identity])
            connection.commit()


def pipeline():
    with psycopg.connect(autocommit=True) as connection:
        with connection.pipeline():
            cursors = [connection.execute("SELECT id, name FROM users WHERE id = %s", [1 + i % 40]) for i in range(1000)]
        for i, cursor in enumerate(cursors):
            assert cursor.fetchone() == (1 + i % 40, f"user {1 + i % 40}")
        with connection.pipeline() as pipe:
            first = connection.execute("SELECT name FROM users WHERE id = 1")
            pipe.sync()
            bad = connection.cursor()
            try:
                bad.execute("SELECT 1/0")
                connection.execute("SELECT 2")
                pipe.sync()
                raise AssertionError("no error")
            except errors.DivisionByZero:
                pass
            after = connection.execute("SELECT name FROM users WHERE id = 3")
            pipe.sync()
            assert first.fetchone() == ("user 1",)
            assert after.fetchone() == ("user 3",)


def prepared():
    with psycopg.connect(autocommit=True, prepare_threshold=0) as connection:
        for round_number in range(3):
            for identity in range(1, 30):
                assert connection.execute("SELECT name FROM users WHERE id = %s", [identity]).fetchone() == (f"user {identity}",)
        # More statements than the driver keeps, so that it closes some.
        for number in range(250):
            assert connection.execute(f"SELECT {number}, name FROM users WHERE id = %s", [1 + number % 40]).fetchone()[0] == number
        # DDL in between makes a cached plan's result type change.
        connection.execute("CREATE TABLE evolving (id int, a int)")
        connection.execute("INSERT INTO evolving VALUES (1, 2)")
        assert connection.execute("SELECT * FROM evolving").fetchone() == (1, 2)
        connection.execute("ALTER TABLE evolving ADD b int")
        try:
            connection.execute("SELECT * FROM evolving")
        except errors.FeatureNotSupported as error:
            assert "cached plan" in str(error), error
        connection.execute("DROP TABLE evolving")


def copy():
    rows = [(identity, f"text\t{identity}", None) for identity in range(BASE, BASE + 500)]
    with psycopg.connect(autocommit=True) as connection:
        cursor = connection.cursor()
        with cursor.copy("COPY users (id, name, email) FROM STDIN") as out:
            for row in rows:
                out.write_row(row)
        assert cursor.rowcount == 500, cursor.rowcount
        with cursor.copy("COPY users (id, name, email) TO STDOUT") as source:
            source.set_types(["int8", "text", "varchar"])
            back = sorted(row for row in source.rows() if row[0] >= BASE)
        assert back == rows
        for identity, _, _ in rows:
            connection.execute("DELETE FROM users WHERE id = %s", [identity])
        with cursor.copy("COPY users (id, name, email) FROM STDIN (FORMAT binary)") as out:
            out.set_types(["int8", "text", "varchar"])
            for row in rows:
                out.write_row(row)
        for identity, name, _ in rows:
            assert connection.execute("DELETE FROM users WHERE id = %s RETURNING name", [identity]).fetchone() == (name,)
        try:
            with cursor.copy("COPY users (id, name) FROM STDIN") as out:
                out.write_row((BASE, "a"))
                raise RuntimeError("changed my mind")
        except (RuntimeError, errors.QueryCanceled):
            pass
        assert connection.execute("SELECT count(*) FROM users WHERE id = %s", [BASE]).fetchone() == (0,)


def cancel():
    with psycopg.connect(autocommit=True) as connection:
        stop = threading.Event()

        def cancelling():
            while not stop.wait(0.2):
                connection.cancel()

        thread = threading.Thread(target=cancelling)
        thread.start()
        try:
            connection.execute("SELECT pg_sleep(60) FROM users WHERE id = 4")
            raise AssertionError("not cancelled")
        except errors.QueryCanceled:
            pass
        finally:
            stop.set()
            thread.join()
        for _ in range(50):
            try:
                assert connection.execute("SELECT 1").fetchone() == (1,)
                break
            except errors.QueryCanceled:
                time.sleep(0.01)


def error_fields():
    with psycopg.connect(autocommit=True) as connection:
        try:
            connection.execute("INSERT INTO items VALUES (1, 1, 9, 0)")
            raise AssertionError("no error")
        except errors.CheckViolation as error:
            assert error.diag.constraint_name == "items_quantity_check"
            assert error.diag.table_name == "items"
            assert error.diag.schema_name == "public"
            assert error.diag.message_detail.startswith("Failing row contains")
        try:
            connection.execute("SELECT * FROM users WHERE id = 1 AND nothing = 2")
            raise AssertionError("no error")
        except errors.UndefinedColumn as error:
            assert error.diag.statement_position == "38", error.diag.statement_position


def server_cursor():
    with psycopg.connect() as connection:
        with connection.cursor(name="server side") as cursor:
            cursor.itersize = 2
            cursor.execute("SELECT id FROM orders WHERE user_id = 7 ORDER BY id")
            assert [row[0] for row in cursor] == [1, 2, 3]
        with connection.cursor(name="big") as cursor:
            cursor.execute("SELECT n FROM generate_series(1, 5000) n")
            assert sum(row[0] for row in cursor) == 12502500


def executemany():
    # One pipeline and so one transaction: all rows are of one user.
    with psycopg.connect(autocommit=True) as connection:
        cursor = connection.cursor()
        cursor.executemany("INSERT INTO orders (user_id, id) VALUES (%s, %s)", [(9, 100 + line) for line in range(100)])
        assert cursor.rowcount == 100
        cursor.executemany("DELETE FROM orders WHERE user_id = %s AND id = %s RETURNING id", [(9, 100 + line) for line in range(100)], returning=True)
        assert cursor.fetchone() == (100,)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
