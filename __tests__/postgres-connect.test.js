'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const http = require('node:http');
const path = require('node:path');
const { test } = require('node:test');
const { inspect, promisify } = require('node:util');
const { Client, PostgresProvider } = require('../lib/duroxide.js');
const { DATABASE_URL, noPsql, ownSchema, sql } = require('./support/postgres.js');

const ENTRY = path.join(__dirname, '..', 'lib', 'duroxide.js');
const NOWHERE = 'postgres://u:secret@127.0.0.1:1/d';

/** A schema that is dropped, and a URL whose connections can be told apart. */
function own(t) {
  const schema = ownSchema(t);
  const url = new URL(DATABASE_URL);
  url.searchParams.set('application_name', schema);
  return { schema, url: url.href };
}

async function connect(t, ...args) {
  const provider = await PostgresProvider.connectWithSchema(...args);
  t.after(() => provider.close());
  return provider;
}

test('unknown and wrong options of connections are refused', async () => {
  for (const [call, message] of [
    [() => PostgresProvider.connect(NOWHERE, { migrat: false }), /did you mean 'migrate'\?/],
    [() => PostgresProvider.connect(NOWHERE, { audience: 'x' }), /unknown option 'audience'/],
    [() => PostgresProvider.connect(NOWHERE, 's'), /options must be an object/],
    [() => PostgresProvider.connect(NOWHERE, { migrate: 'no' }), /migrate must be a boolean/],
    [
      () => PostgresProvider.connectWithSchema(NOWHERE, 's', { directUrl: '' }),
      /directUrl must not/,
    ],
    [() => PostgresProvider.connectWithEntra('h', 1, 'd', 'u', { directUrl: 'x' }), /'directUrl'/],
    [() => PostgresProvider.connectWithEntra('h', 1, 'd', 'u', { audience: '' }), /audience must/],
  ]) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof TypeError);
      assert.match(error.message, message);
      return true;
    });
  }
  await assert.rejects(PostgresProvider.connect(NOWHERE, { maxConnections: 1.5 }), RangeError);
  await assert.rejects(PostgresProvider.connect(NOWHERE, { acquireTimeoutMs: -1 }), RangeError);
});

test('nothing of an error shows the password', async () => {
  for (const [url, options] of [
    [NOWHERE, {}],
    ['postgres://u:12/secret@127.0.0.1:1/d', {}],
    ['postgres://u@127.0.0.1:1/d?password=secret&sslpassword=secret', {}],
    ['postgres://u@127.0.0.1:1/d?pooler=transaction', { directUrl: NOWHERE }],
    ['postgres://u@127.0.0.1:1/d', { directUrl: 'mysql://u:secret@h' }],
  ]) {
    await assert.rejects(PostgresProvider.connect(url, options), (error) => {
      assert.match(error.message, /^Failed to connect to PostgreSQL: /);
      assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /secret/);
      return true;
    });
  }
});

/** Runs code with the package in a process of its own, and gives what it prints. */
async function run(code, env) {
  const text = `const { PostgresProvider } = require(${JSON.stringify(ENTRY)});
    ${code}.catch((error) => console.log(error.code, error.message));`;
  const options = { env: { ...process.env, ...env }, encoding: 'utf8' };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', text], options);
  assert.equal(stderr, '');
  return stdout;
}

test('Entra connections take a token of the machine, and name what fails', async (t) => {
  const asked = [];
  const service = http.createServer((request, response) => {
    const { searchParams } = new URL(request.url, 'http://h');
    asked.push(searchParams.get('resource'));
    if (asked.length > 1) response.writeHead(403);
    const expires = String(Math.floor(Date.now() / 1000) + 3600);
    response.end(JSON.stringify({ access_token: 'secret', expires_on: expires, resource: 'x' }));
  });
  await new Promise((resolve) => service.listen(0, '127.0.0.1', resolve));
  t.after(() => service.close());
  const endpoint = `http://127.0.0.1:${service.address().port}`;
  const env = { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: 'h', PATH: __dirname };
  const call = "'127.0.0.1', 1, 'd', 'me@example.com'";
  assert.match(
    await run(
      `PostgresProvider.connectWithEntra(${call}, { audience: 'https://a/.default' })`,
      env,
    ),
    /^CANNOT_OPEN Failed to connect with Entra: .*127\.0\.0\.1:1.*connection refused\n$/,
  );
  const refused = await run(`PostgresProvider.connectWithSchemaAndEntra(${call}, 's')`, env);
  assert.match(refused, /^CANNOT_OPEN Failed to connect with schema and Entra: Entra credential/);
  assert.match(refused, /ManagedIdentityCredential: the token service answered 403/);
  assert.doesNotMatch(refused, /secret/);
  assert.deepEqual(asked, ['https://a', 'https://ossrdbms-aad.database.windows.net']);
});

test('without migrating, missing tables are an error and stay missing', {
  skip: noPsql,
}, async (t) => {
  const { schema, url } = own(t);
  const verify = () => connect(t, url, schema, { migrate: false });
  await assert.rejects(verify, {
    code: 'SCHEMA',
    message:
      /^Failed to connect to PostgreSQL: schema test_\w+ lacks the migration 0001_tables\.sql/,
  });
  assert.equal(await sql(`SELECT count(*) FROM pg_namespace WHERE nspname = '${schema}'`), '0');
  await connect(t, url, schema, { migrate: true });
  await verify();
});

test('a schema of the server is refused', { skip: noPsql }, async () => {
  for (const schema of ['pg_foo', 'pg_catalog', 'information_schema']) {
    await assert.rejects(PostgresProvider.connectWithSchema(DATABASE_URL, schema), {
      code: 'INVALID_INPUT',
      message: new RegExp(`Invalid schema_name '${schema}': it belongs to the server`),
    });
  }
});

test('a database that cannot hold every text is refused by its name', {
  skip: noPsql,
}, async (t) => {
  const url = new URL(DATABASE_URL);
  url.pathname = ownSchema(t).replace('test', 'latin');
  const name = url.pathname.slice(1);
  t.after(() => sql(`DROP DATABASE IF EXISTS ${name}`));
  await sql(`CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
  await assert.rejects(PostgresProvider.connect(url.href), (error) => {
    assert.equal(error.code, 'CANNOT_OPEN');
    assert.equal(error.details?.retryable, undefined);
    assert.match(error.message, new RegExp(`"${name}" has the encoding LATIN1, which cannot hold`));
    return true;
  });
});

test('a pool has the connections that it is given, and one that listens', {
  skip: noPsql,
}, async (t) => {
  const { schema, url } = own(t);
  for (const [options, environment, most] of [
    [{ maxConnections: 2 }, '7', 2],
    [{}, '4', 4],
    [{}, 'many', 10],
  ]) {
    process.env.DUROXIDE_PG_POOL_MAX = environment;
    t.after(() => delete process.env.DUROXIDE_PG_POOL_MAX);
    const provider = await connect(t, url, schema, options);
    const client = new Client(provider);
    await Promise.all(Array.from({ length: 300 }, () => client.getSystemMetrics()));
    const found = Number(
      await sql(
        `SELECT count(*) FROM pg_stat_activity WHERE application_name = '${schema}'
       AND query !~ '^LISTEN|advisory'`,
      ),
    );
    assert.ok(found <= most && found > most / 2, `${found} of ${most} connections`);
    await provider.close();
  }
});
