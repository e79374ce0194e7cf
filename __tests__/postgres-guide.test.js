'use strict';

/** The PostgreSQL chapter of docs/operating.md does what it says: its snippets are run. */

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { Client, PostgresProvider, Runtime, SqliteProvider } = require('../lib/duroxide.js');
const { DATABASE_URL, noPsql, noServer, ownSchema, sql } = require('./support/postgres.js');

const ROOT = path.join(__dirname, '..');
const guide = fs.readFileSync(path.join(ROOT, 'docs', 'operating.md'), 'utf8');

/** The number of the last migration. */
const LAST = String(
  fs
    .readdirSync(path.join(ROOT, 'provider', 'postgres', 'migrations'))
    .filter((name) => name.endsWith('.sql')).length,
);

/** The code blocks of a language. */
const blocks = (language) =>
  [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (m) => m[1],
  );

const block = (language, part) => blocks(language).find((text) => text.includes(part));

function command(...args) {
  const file = path.join(ROOT, 'bin', 'duroxide.js');
  return execFileSync(process.execPath, [file, ...args], { encoding: 'utf8', stdio: 'pipe' });
}

function register(runtime) {
  runtime.registerActivity('Twice', (_ctx, n) => 2 * n);
  runtime.registerOrchestration('Child', function* (ctx, n) {
    return yield ctx.scheduleActivityOnSession('Twice', n, 's');
  });
  runtime.registerOrchestration('Work', function* (ctx, n) {
    ctx.setValue('n', n);
    ctx.setCustomStatus('waits');
    const { event } = yield ctx.dequeueEvent('go');
    yield ctx.scheduleTimer(1);
    const twice = yield ctx.scheduleSubOrchestration('Child', n);
    return n < 2 ? yield ctx.continueAsNew(twice) : `${event} ${twice}`;
  });
}

/** Everything that a store is asked for, in one instance. */
async function exercise(t, store) {
  const runtime = new Runtime(store, { logLevel: 'error' });
  register(runtime);
  await runtime.start();
  t.after(() => runtime.shutdown(1000));
  const client = new Client(store);
  await client.startOrchestration('w', 'Work', 1);
  await client.enqueueEvent('w', 'go', { event: 'a' });
  await client.enqueueEvent('w', 'go', { event: 'b' });
  assert.equal((await client.waitForOrchestration('w', 20000)).output, 'b 4');
  assert.deepEqual(await client.listExecutions('w'), [1, 2]);
  assert.equal((await client.getInstanceTree('w')).size, 3);
  assert.equal((await client.getSystemMetrics()).failedInstances, 0);
  await client.getQueueDepths();
  assert.equal((await client.pruneExecutions('w', { keepLast: 1 })).executionsDeleted, 1);
  assert.equal((await client.deleteInstance('w')).instancesDeleted, 3);
}

test('a user that may change rows only works on tables that somebody else made', {
  skip: noPsql,
}, async (t) => {
  const schema = ownSchema(t);
  const role = `app_${randomUUID().replaceAll('-', '')}`;
  const own = (text) => text.replaceAll('shop_app', role).replaceAll(/\bshop\b/g, schema);
  await sql(command('postgres-sql', '--schema', schema));
  await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'p'`);
  t.after(() => sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`));
  const [settings, grants, ...queries] = blocks('sql').map(own);
  await sql(settings + grants);
  const url = new URL(DATABASE_URL);
  url.username = role;
  url.password = 'p';
  const store = await PostgresProvider.connectWithSchema(url.href, schema, { migrate: false });
  await exercise(t, store);
  for (const query of queries) await sql(query);
  assert.ok(queries.length >= 5);
  assert.equal(await sql(own('SELECT max(version) FROM shop.duroxide_migrations')), LAST);
  await store.close();
});

test('the command prints what follows, and says what is wrong', () => {
  const all = command('postgres-sql');
  assert.match(all, /^BEGIN;\n[\s\S]*CREATE SCHEMA IF NOT EXISTS "public";[\s\S]*\nCOMMIT;\n$/);
  assert.equal(command('postgres-sql', '--after', LAST), 'BEGIN;\n\nCOMMIT;\n');
  assert.match(command('--help'), /^Usage: duroxide <command>[\s\S]* postgres-sql /);
  assert.match(command('postgres-sql', '--help'), /^Usage: duroxide postgres-sql/);
  for (const [args, status, message] of [
    [[], 2, /a command is missing/],
    [['postgres'], 2, /unknown command 'postgres'/],
    [
      ['postgres-sql', '--schema', ''],
      2,
      /'--schema <name>' argument '' is invalid. It must not be empty/,
    ],
    [
      ['postgres-sql', '--after', 'x'],
      2,
      /'--after <n>' argument 'x' is invalid. It must be a whole number/,
    ],
    [['postgres-sql', '--nonsense'], 2, /unknown option '--nonsense'/],
    [['postgres-sql', '--schema', 'a b'], 1, /Invalid schema_name 'a b'/],
    [['postgres-sql', '--after', '99'], 1, /migrations 1 to \d+/],
  ]) {
    assert.throws(
      () => command(...args),
      (error) => error.status === status && message.test(error.stderr) && error.stdout === '',
    );
  }
});

test('a SQLite file drains while PostgreSQL takes what is new', { skip: noServer }, async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-drain-'));
  const file = path.join(folder, 'data.db');
  const before = await SqliteProvider.open(file);
  await new Client(before).startOrchestration('old', 'Work', 2);
  await before.close();

  const code = block('js', "SqliteProvider.open('data.db')")
    .replace("'data.db'", 'file')
    .replace("'shop'", 'schema')
    .replace('new Runtime(provider)', "new Runtime(provider, { logLevel: 'error' })");
  const names = { Client, PostgresProvider, Runtime, SqliteProvider, register };
  const given = { ...names, file, url: DATABASE_URL, schema: ownSchema(t) };
  const AsyncFunction = (async () => {}).constructor;
  const { old, store, client, clientOf, isDrained } = await new AsyncFunction(
    ...Object.keys(given),
    `${code} return { old, store, client, clientOf, isDrained };`,
  )(...Object.values(given));

  await client.startOrchestration('new', 'Work', 3);
  for (const id of ['old', 'new']) {
    assert.equal(await isDrained(), id === 'new');
    const its = await clientOf(id);
    await its.enqueueEvent(id, 'go', { event: id });
    assert.match((await its.waitForOrchestration(id, 20000)).output, new RegExp(`^${id} `));
  }
  await Promise.all([old.close(), store.close()]);
  fs.rmSync(folder, { recursive: true });
});

test('the worker for Kubernetes is ready, works, and ends on SIGTERM', {
  skip: noServer || (process.platform === 'win32' && 'there is no SIGTERM on Windows'),
}, async (t) => {
  const schema = ownSchema(t);
  const code = block('js', '// worker.js')
    .replace("'duroxide'", JSON.stringify(path.join(ROOT, 'lib', 'duroxide.js')))
    .replace(
      'probe.listen(Number(PORT))',
      '$&.on("listening", () => console.log(probe.address().port))',
    );
  const env = { ...process.env, DATABASE_SCHEMA: schema, PORT: '0', GRACE_MS: '5000' };
  const worker = spawn(process.execPath, ['-e', code], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => worker.kill('SIGKILL'));
  const ended = once(worker, 'exit');
  const [port] = await once(worker.stdout.setEncoding('utf8'), 'data');
  assert.equal((await fetch(`http://127.0.0.1:${Number(port)}/`)).status, 200);
  const store = await PostgresProvider.connectWithSchema(DATABASE_URL, schema);
  const client = new Client(store);
  await client.startOrchestration('h', 'Hello', 'Ada');
  assert.equal((await client.waitForOrchestration('h', 20000)).output, 'Hello, Ada!');
  worker.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  await store.close();
});
