"""What psycopg2 applications do, tried against the server that the PG* variables name. Usage: psycopg2_cases.py CASE"""

import datetime
import decimal
import io
import select
import sys
import uuid

import psycopg2
import psycopg2.extras
from psycopg2 import errors, extensions

BASE = 30_000


def connect(autocommit=True):
    connection = psycopg2.connect("")
    connection.autocommit = autocommit
    return connection


def types():
    psycopg2.extras.register_uuid()
    row = {
        "i2": -7, "i4": 2147483647, "i8": 2**63 - 1, "f8": 0.1, "n": decimal.Decimal("12345678901234567890.123"), "b": True,
        "t": "żółw ' \" \\", "vc": "varchar", "d": datetime.date(2024, 2, 29), "ti": datetime.time(12, 34, 56, 789),
        "ts": datetime.datetime(2024, 2, 29, 12, 0, 0, 1), "iv": datetime.timedelta(days=3, seconds=5),
        "u": uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), "ai": [1, None, 3], "at": ["a,b", '"'],
    }
    names = ", ".join(row)
    cursor = connect().cursor()
    for identity in range(BASE, BASE + 8):
        cursor.execute(
            f"INSERT INTO kinds (id, {names}) VALUES ({', '.join(['%s'] * (len(row) + 1))}) RETURNING {names}", [identity, *row.values()])
        assert list(cursor.fetchone()) == list(row.values())
        cursor.execute("UPDATE kinds SET by = %s, jb = %s WHERE id = %s RETURNING by, jb", [b"\x00\xff", psycopg2.extras.Json({"a": 1}), identity])
        by, jb = cursor.fetchone()
        assert (bytes(by), jb) == (b"\x00\xff", {"a": 1})
        cursor.execute("DELETE FROM kinds WHERE id = %s", [identity])
        assert cursor.rowcount == 1


def transactions():
    connection = connect(autocommit=False)
    cursor = connection.cursor()
    for identity in range(BASE, BASE + 10):
        cursor.execute("INSERT INTO users (id, name) VALUES (%s, 'x')", [identity])
        (connection.commit if identity % 2 else connection.rollback)()
    for identity in range(BASE, BASE + 10):
        cursor.execute("SELECT count(*) FROM users WHERE id = %s", [identity])
        assert cursor.fetchone()[0] == identity % 2
        cursor.execute("DELETE FROM users WHERE id = %s", [identity])
        connection.commit()
    connection.set_session(isolation_level="SERIALIZABLE", readonly=True)
    cursor.execute("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only') FROM users WHERE id = 1")
    assert cursor.fetchone() == ("serializable", "on")
    connection.rollback()


def batches():
    cursor = connect().cursor()
    rows = [(identity, f"b{identity}") for identity in range(BASE, BASE + 60)]
    psycopg2.extras.execute_batch(cursor, "INSERT INTO users (id, name) VALUES (%s, %s)", rows[:1], page_size=1)
    cursor.executemany("INSERT INTO users (id, name) VALUES (%s, %s)", rows[1:])
    for identity, name in rows:
        cursor.execute("DELETE FROM users WHERE id = %s RETURNING name", [identity])
        assert cursor.fetchone() == (name,)
    # Several statements in one text, all for one user.
    psycopg2.extras.execute_batch(cursor, "INSERT INTO orders (user_id, id) VALUES (%s, %s)", [(7, 900 + line) for line in range(20)])
    cursor.execute("DELETE FROM orders WHERE user_id = 7 AND id >= 900")
    assert cursor.rowcount == 20
    psycopg2.extras.execute_values(cursor, "INSERT INTO orders (user_id, id) VALUES %s", [(7, 900 + line) for line in range(20)])
    cursor.execute("DELETE FROM orders WHERE user_id = 7 AND id >= 900")
    assert cursor.rowcount == 20


def copy():
    cursor = connect().cursor()
    data = "".join(f"{identity}\tname {identity}\n" for identity in range(BASE, BASE + 300))
    cursor.copy_expert("COPY users (id, name) FROM STDIN", io.StringIO(data))
    out = io.StringIO()
    cursor.copy_expert("COPY users (id, name) TO STDOUT", out)
    assert sorted(line for line in out.getvalue().splitlines(True) if int(line.split("\t")[0]) >= BASE) == sorted(data.splitlines(True))
    for identity in range(BASE, BASE + 300):
        cursor.execute("DELETE FROM users WHERE id = %s", [identity])
        assert cursor.rowcount == 1


def error_fields():
    connection = connect()
    cursor = connection.cursor()
    try:
        cursor.execute("INSERT INTO users (id, name) VALUES (1, 'x')")
        raise AssertionError("no error")
    except errors.UniqueViolation as error:
        assert error.pgcode == "23505"
        assert error.diag.constraint_name == "users_pkey"
        assert error.diag.message_detail == "Key (id)=(1) already exists."
    cursor.execute("DO $$ BEGIN RAISE NOTICE 'hello'; END $$")
    assert connection.notices[-1] == "NOTICE:  hello\n", connection.notices


def cancel():
    connection = connect()
    cursor = connection.cursor()
    import threading
    stop = threading.Event()

    def cancelling():
        while not stop.wait(0.2):
            connection.cancel()

    thread = threading.Thread(target=cancelling)
    thread.start()
    try:
        cursor.execute("SELECT pg_sleep(60) FROM users WHERE id = 6")
        raise AssertionError("not cancelled")
    except errors.QueryCanceled:
        pass
    finally:
        stop.set()
        thread.join()


def named_cursor():
    connection = connect(autocommit=False)
    cursor = connection.cursor("named", scrollable=True)
    cursor.itersize = 2
    cursor.execute("SELECT id FROM orders WHERE user_id = 7 ORDER BY id")
    assert [row[0] for row in cursor] == [1, 2, 3]
    cursor.scroll(0, mode="absolute")
    assert cursor.fetchone() == (1,)
    connection.commit()
    held = connection.cursor("held", withhold=True)
    held.execute("SELECT n FROM generate_series(1, 10) n")
    connection.commit()
    assert len(held.fetchall()) == 10
    held.close()


def notifications():
    listener, sender = connect(), connect()
    listener.cursor().execute("LISTEN python_channel")
    sender.cursor().execute("NOTIFY python_channel, 'payload'")
    assert select.select([listener], [], [], 20)[0]
    listener.poll()
    assert listener.notifies[0].payload == "payload"


if __name__ == "__main__":
    globals()[sys.argv[1]]()
