'use strict';
// What node applications do, tried against the server that the PG* variables name. Usage: node cases.js CASE
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Client, Pool } = require('pg');
const Cursor = require('pg-cursor');
const postgres = require('postgres');

const base = 10_000;

async function connect() {
  const client = new Client();
  await client.connect();
  return client;
}

const cases = {
  async types() {
    const client = await connect();
    const row = {
      id: String(base), i2: -7, i4: 2147483647, i8: '9223372036854775807', f4: 1.5, f8: 0.1, n: '12345678901234567890.123', b: true,
      t: "żółw ' \" \\", vc: 'varchar', c: 'ab  ', by: Buffer.from([0, 1, 254, 255]), u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      j: { a: [1, null] }, jb: { b: 'x' }, ai: [1, null, 3], at: ['a,b', '"'], ip: '10.0.0.1', r: '[1,5)', m: 'happy', pos: 3,
      tz: new Date('2024-02-29T12:34:56.789Z'),
    };
    const names = Object.keys(row);
    const sql = `INSERT INTO kinds (${names}) VALUES (${names.map((_, i) => `$${i + 1}`)}) RETURNING ${names}`;
    const { rows, fields } = await client.query(sql, Object.values(row));
    assert.deepEqual(rows[0], row);
    assert.equal(fields.length, names.length);
    assert.deepEqual((await client.query('SELECT * FROM kinds WHERE id = $1', [base])).rows[0].jb, row.jb);
    assert.equal((await client.query('DELETE FROM kinds WHERE id = $1', [base])).rowCount, 1);
    await client.end();
  },

  async transactions() {
    const client = await connect();
    for (let id = base; id < base + 10; id++) {
      await client.query('BEGIN');
      await client.query('INSERT INTO users (id, name) VALUES ($1, $2)', [id, `n${id}`]);
      await client.query('INSERT INTO orders (user_id, id, amount) VALUES ($1, 1, 5)', [id]);
      await client.query(id % 2 ? 'COMMIT' : 'ROLLBACK');
    }
    for (let id = base; id < base + 10; id++) {
      const { rows } = await client.query('SELECT count(*)::int AS n FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = $1', [id]);
      assert.equal(rows[0].n, id % 2);
      await client.query('DELETE FROM orders WHERE user_id = $1', [id]);
      await client.query('DELETE FROM users WHERE id = $1', [id]);
    }
    await client.query('BEGIN');
    await assert.rejects(client.query('SELECT 1/0'), { code: '22012' });
    await assert.rejects(client.query('SELECT 1'), { code: '25P02' });
    await client.query('ROLLBACK');
    await client.end();
  },

  async prepared() {
    const client = await connect();
    for (let round = 0; round < 3; round++) {
      for (let id = 1; id <= 20; id++) {
        const { rows } = await client.query({ name: 'by-id', text: 'SELECT name FROM users WHERE id = $1', values: [id] });
        assert.deepEqual(rows, [{ name: `user ${id}` }]);
      }
    }
    await client.end();
  },

  async queued() {
    // Queries given without waiting are sent one after another by the driver.
    const client = await connect();
    const results = await Promise.all(Array.from({ length: 300 }, (_, i) => client.query('SELECT id FROM users WHERE id = $1', [1 + (i % 40)])));
    results.forEach((result, i) => assert.equal(result.rows[0].id, String(1 + (i % 40))));
    const multi = await client.query('SELECT 1 AS a; SELECT name FROM users WHERE id = 2');
    assert.deepEqual(multi.map((result) => result.rows[0]), [{ a: 1 }, { name: 'user 2' }]);
    await client.end();
  },

  async pipelined() {
    // postgres.js writes many queries before it reads the first answer.
    const sql = postgres({ max: 2 });
    const rows = await Promise.all(Array.from({ length: 500 }, (_, i) => sql`SELECT id, name FROM users WHERE id = ${1 + (i % 40)}`));
    rows.forEach((result, i) => assert.equal(result[0].name, `user ${1 + (i % 40)}`));
    await sql.begin(async (tx) => {
      await tx`UPDATE users SET name = name WHERE id = 3`;
      const [row] = await tx`SELECT name FROM users WHERE id = 3`;
      assert.equal(row.name, 'user 3');
    });
    const parts = [];
    await sql`SELECT id FROM orders WHERE user_id = 7 ORDER BY id`.cursor(1, (batch) => parts.push(batch[0].id));
    assert.deepEqual(parts, [1, 2, 3]);
    await assert.rejects(sql`SELECT 1/${0}::int`, { code: '22012' });
    await sql.end();
  },

  async cursors() {
    const client = await connect();
    const cursor = client.query(new Cursor('SELECT n FROM generate_series(1, $1::int) n', [250]));
    let total = 0;
    for (let rows = await cursor.read(100); rows.length > 0; rows = await cursor.read(100)) total += rows.length;
    assert.equal(total, 250);
    await cursor.close();
    const early = client.query(new Cursor('SELECT id FROM orders WHERE user_id = $1 ORDER BY id', [7]));
    assert.equal((await early.read(1)).length, 1);
    await early.close();
    assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1);
    await client.end();
  },

  async errors() {
    const client = await connect();
    await assert.rejects(client.query('INSERT INTO users (id, name) VALUES ($1, $2)', [1, 'x']), (error) => {
      assert.equal(error.code, '23505');
      assert.equal(error.table, 'users');
      assert.equal(error.schema, 'public');
      assert.equal(error.constraint, 'users_pkey');
      assert.equal(error.detail, 'Key (id)=(1) already exists.');
      assert.equal(error.severity, 'ERROR');
      return true;
    });
    await assert.rejects(client.query('SELECT nothing FROM users WHERE id = 1'), { code: '42703', position: '8' });
    await assert.rejects(client.query('SELEC'), { code: '42601', position: '1' });
    assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1);
    await client.end();
  },

  async notices() {
    const client = await connect();
    const seen = [];
    client.on('notice', (notice) => seen.push(notice.message));
    await client.query("DO $$ BEGIN RAISE NOTICE 'hello'; END $$");
    assert.deepEqual(seen, ['hello']);
    await client.query('LISTEN node_channel');
    const heard = once(client, 'notification');
    const other = await connect();
    await other.query("SELECT pg_notify('node_channel', 'payload')");
    assert.equal((await heard)[0].payload, 'payload');
    await other.end();
    await client.end();
  },

  async cancel() {
    const sql = postgres({ max: 1 });
    const query = sql`SELECT pg_sleep(60) FROM users WHERE id = 5`;
    const outcome = assert.rejects(query, { code: '57014' });
    const watch = await connect();
    let cancelled = false;
    const timer = setInterval(() => { if (!cancelled) query.cancel(); }, 200);
    await outcome;
    cancelled = true;
    clearInterval(timer);
    assert.equal((await sql`SELECT 1 AS one`)[0].one, 1);
    await watch.end();
    await sql.end();
  },

  async pool() {
    const pool = new Pool({ max: 30 });
    await Promise.all(Array.from({ length: 600 }, async (_, i) => {
      const { rows } = await pool.query('SELECT name FROM users WHERE id = $1', [1 + (i % 40)]);
      assert.equal(rows[0].name, `user ${1 + (i % 40)}`);
    }));
    await pool.end();
  },
};

const name = process.argv[2];
cases[name]().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
