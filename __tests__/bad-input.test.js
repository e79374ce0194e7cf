'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Client, PostgresProvider, Runtime, SqliteProvider } = require('../lib/duroxide.js');
const {
  failed,
  openStore,
  temporaryFolder,
  withRuntime,
  withStore,
} = require('./support/harness.js');

const circular = {};
circular.self = circular;

test('a client refuses wrong arguments with a rejection that names them', async (t) => {
  const { client } = await withStore(t, { memory: true });
  const cases = [
    [() => client.startOrchestration(5, 'X'), TypeError, /instanceId must be a string/],
    [() => client.startOrchestration('', 'X'), TypeError, /instanceId must not be empty/],
    [() => client.startOrchestration('a\0b', 'X'), TypeError, /instanceId must not contain NUL/],
    [() => client.startOrchestration('\ud800', 'X'), TypeError, /lone surrogates/],
    [() => client.startOrchestration('a', ''), TypeError, /orchestrationName must not be empty/],
    [() => client.startOrchestration('a', 'X', 1n), TypeError, /BigInt/],
    [() => client.startOrchestration('a', 'X', circular), TypeError, /circular/],
    [() => client.startOrchestration('a', 'X', () => {}), TypeError, /input is a function/],
    [() => client.startOrchestrationVersioned('a', 'X', null), TypeError, /version must be/],
    [() => client.raiseEvent('a'), TypeError, /eventName must be a string, not undefined/],
    [() => client.raiseEvent('a', 'e', Symbol('s')), TypeError, /data is a symbol/],
    [() => client.enqueueEvent('a', 7), TypeError, /queueName must be a string, not the number 7/],
    [() => client.cancelInstance('a', {}), TypeError, /reason must be a string, not an object/],
    [() => client.getStatus(null), TypeError, /instanceId must be a string, not null/],
    [() => client.waitForOrchestration('a', -1), RangeError, /timeoutMs must not be negative/],
    [() => client.waitForOrchestration('a', '5'), TypeError, /timeoutMs must be a number/],
    [() => client.waitForStatusChange('a', 'x'), TypeError, /lastSeenVersion must be a number/],
    [() => client.waitForValue('a', 'k', -5), RangeError, /timeoutMs must not be negative/],
    [() => client.deleteInstance('a', { force: true }), TypeError, /force must be a boolean/],
    [() => client.deleteInstanceBulk({ ids: ['a'] }), TypeError, /unknown option 'ids'/],
    [
      () => client.pruneExecutions('a', { keep: 1 }),
      TypeError,
      /unknown option 'keep'; known are 'keepLast'/,
    ],
    [() => client.getExecutionInfo('a', '1'), TypeError, /executionId must be a number/],
    [
      () => client.listAllInstances({ idPrefix: 'a\0' }),
      TypeError,
      /idPrefix must not contain NUL/,
    ],
    [() => client.deleteInstanceBulk({ instanceIds: [5] }), TypeError, /instanceIds\[0\] must be/],
  ];
  for (const [call, type, message] of cases) {
    const promise = call();
    assert.ok(promise instanceof Promise);
    await assert.rejects(promise, (error) => {
      assert.ok(error instanceof type, `${call}: ${error}`);
      assert.match(error.message, message);
      return true;
    });
  }
});

test('ids with the reserved marker are refused, others with colons are not', async (t) => {
  const { client } = await withStore(t, { memory: true });
  for (const id of ['sub::1', 'a::sub::2', 'a::b::sub::']) {
    await assert.rejects(client.startOrchestration(id, 'X'), {
      code: 'INVALID_INPUT',
      message: `Invalid input: instance id '${id}' uses the reserved sub-orchestration marker 'sub::'`,
    });
  }
  for (const id of ['a::b', 'sub:1', ' ', 'é 日本 😀', 'x'.repeat(500)]) {
    await client.startOrchestration(id, 'X');
  }
});

test('a client and a runtime need a provider', () => {
  for (const provider of [undefined, null, {}, { _type: 'postgres' }, 'x']) {
    assert.throws(() => new Client(provider), TypeError);
    assert.throws(() => new Runtime(provider), TypeError);
  }
  assert.throws(() => new SqliteProvider(), /opened by their factories/);
});

test('waiting times out with the known texts', async (t) => {
  const { client } = await withStore(t, { memory: true });
  const timedOut = { message: 'Operation timed out', code: 'TIMEOUT', name: 'TimeoutError' };
  await assert.rejects(client.waitForOrchestration('unknown', 0), timedOut);
  await assert.rejects(client.waitForOrchestration('unknown', Number.NaN), timedOut);
  await assert.rejects(client.waitForOrchestrationTyped('unknown', 5), timedOut);
  await assert.rejects(client.waitForStatusChange('unknown', 0, 5, 5), timedOut);
  await assert.rejects(client.waitForValue('unknown', 'k', 5), {
    message: "Timed out waiting for value 'k' on instance 'unknown'",
  });
});

test('an unknown instance has no status, value or stats', async (t) => {
  const { client } = await withStore(t, { memory: true });
  assert.deepEqual(await client.getStatus('unknown'), {
    status: 'NotFound',
    customStatusVersion: 0,
  });
  assert.equal(await client.getValue('unknown', 'k'), null);
  assert.deepEqual(await client.getKvAllValues('unknown'), {});
  assert.equal(await client.getOrchestrationStats('unknown'), null);
  assert.deepEqual(await client.listExecutions('unknown'), []);
  await assert.rejects(client.getInstanceInfo('unknown'), {
    code: 'INSTANCE_NOT_FOUND',
    message: 'get_instance_info: Instance unknown not found',
  });
});

test('a runtime refuses wrong options by name', async (t) => {
  const { provider } = await openStore(t, { memory: true });
  const cases = [
    [{ dispatcherPollInterval: 5 }, TypeError, /did you mean 'dispatcherPollIntervalMs'\?/],
    [{ nonsense: 1 }, TypeError, /unknown option 'nonsense'; known are/],
    [{ workerConcurrency: '2' }, TypeError, /options.workerConcurrency must be a number/],
    [{ workerConcurrency: -1 }, RangeError, /from 0 on, not -1/],
    [{ orchestrationConcurrency: 1.5 }, RangeError, /whole number/],
    [{ workerLockTimeoutMs: 5 }, RangeError, /from 100 on, not 5/],
    [{ workerTagFilter: 'default' }, TypeError, /'defaultOnly', 'any', 'none'/],
    [{ workerTagFilter: { tags: [] } }, RangeError, /1 to 5 tags, not 0/],
    [{ workerTagFilter: { tags: ['a', 'b', 'c', 'd', 'e', 'f'] } }, RangeError, /not 6/],
    [{ workerTagFilter: { tags: ['a'], defaultAnd: ['b'] } }, TypeError, /workerTagFilter must be/],
    [{ workerTagFilter: { tags: 'gpu' } }, TypeError, /must be an array of tags/],
    [{ logLevel: 'loud' }, TypeError, /options.logLevel must be one of/],
    ['fast', TypeError, /options must be an object/],
  ];
  for (const [options, type, message] of cases) {
    assert.throws(
      () => new Runtime(provider, options),
      (error) => {
        assert.ok(error instanceof type, JSON.stringify(options));
        assert.match(error.message, message);
        return true;
      },
    );
  }
  assert.ok(new Runtime(provider, null));
  assert.ok(new Runtime(provider, { workerConcurrency: 0, workerTagFilter: { tags: ['gpu'] } }));
});

test('a session timeout that is too short fails the start with its reason', async (t) => {
  const { provider } = await openStore(t, { memory: true });
  const runtime = new Runtime(provider, { sessionIdleTimeoutMs: 1000, logLevel: 'off' });
  await assert.rejects(
    runtime.start(),
    /session_idle_timeout \(1s\) must be greater than worker lock renewal interval \(25s\)/,
  );
});

test('a runtime refuses wrong registrations', async (t) => {
  const { provider } = await openStore(t, { memory: true });
  const runtime = new Runtime(provider);
  const code = function* () {};
  runtime.registerOrchestrationVersioned('V', '1.1.0', code);
  runtime.registerActivity('A', () => {});
  const cases = [
    [() => runtime.registerActivity('A', () => {}), /duplicate activity registration: A/],
    [() => runtime.registerActivity('B'), /fn must be a function, not undefined/],
    [() => runtime.registerActivity('', () => {}), /name must not be empty/],
    [() => runtime.registerActivity('__duroxide_syscall:x', () => {}), /uses reserved prefix/],
    [() => runtime.registerOrchestration('F', 5), /'F' .*not the number 5; use function\*/],
    [() => runtime.registerOrchestration('F', async () => {}), /'F' .*not an async function/],
    [
      () => runtime.registerOrchestration('F', async function* () {}),
      /not an async generator function; use function\*/,
    ],
    [() => runtime.registerOrchestrationVersioned('V', '1.1', code), /Version '1.1' is not valid/],
    [
      () => runtime.registerOrchestrationVersioned('V', '1.1.0-beta.1', code),
      /non-monotonic orchestration version for V: 1.1.0-beta.1 is not later than existing latest 1.1.0/,
    ],
    [
      () => runtime.registerOrchestrationVersioned('V', '1.1.0', code),
      /duplicate orchestration registration: V@1.1.0/,
    ],
  ];
  for (const [call, message] of cases) assert.throws(call, message);
  runtime.registerOrchestrationVersioned('V', '1.10.0', code);
  runtime.registerOrchestration('V', code);
});

test('what code yields wrongly fails the instance with a clear text, or is caught', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      *Yields(_ctx, what) {
        yield what === 'promise' ? Promise.resolve() : what;
      },
      *Catches() {
        try {
          yield 42;
        } catch (error) {
          return error.name;
        }
      },
      *Negative(ctx) {
        yield ctx.scheduleTimer(-5);
      },
      *Unserialisable() {
        return 1n;
      },
      *BigStatus(ctx) {
        ctx.setCustomStatus('x'.repeat(262145));
      },
      *BigTag(ctx) {
        yield ctx.scheduleActivity('A').withTag('x'.repeat(257));
      },
    },
  });
  assert.match(
    failed(await h.run('Yields', 'promise')),
    /^TypeError: orchestration 'Yields' yielded a promise/,
  );
  assert.match(failed(await h.run('Yields', [1])), /yielded an array/);
  assert.match(failed(await h.run('Yields')), /yielded null/);
  assert.equal(await h.output('Catches'), 'TypeError');
  assert.match(failed(await h.run('Negative')), /^RangeError: delayMs must be a whole number/);
  assert.match(failed(await h.run('Unserialisable')), /^TypeError: .*BigInt/);
  assert.equal(
    failed(await h.run('BigStatus')),
    'Custom status size (262145 bytes) exceeds limit (262144 bytes)',
  );
  assert.equal(
    failed(await h.run('BigTag')),
    "Activity 'A' tag size (257 bytes) exceeds limit (256 bytes)",
  );
});

test('an activity whose result cannot be serialised fails', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    activities: { Big: () => 1n, Cycle: () => circular, Fn: () => () => {} },
    orchestrations: {
      *Results(ctx) {
        const results = yield ctx.all(['Big', 'Cycle', 'Fn'].map((a) => ctx.scheduleActivity(a)));
        return results.map((result) => result.err);
      },
    },
  });
  const [big, cycle, fn] = await h.output('Results');
  assert.match(big, /^Activity 'Big' failed: TypeError: .*BigInt/);
  assert.match(cycle, /TypeError: .*circular/);
  assert.match(fn, /TypeError: the result of activity 'Fn' is a function/);
});

test('large payloads come through', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    activities: { Echo: (_ctx, text) => text },
    orchestrations: {
      *Large(ctx, text) {
        return (yield ctx.scheduleActivity('Echo', text)).length;
      },
    },
  });
  assert.equal(await h.output('Large', 'é'.repeat(5_000_000)), 5_000_000);
});

test('locations of SQLite files', async (t) => {
  const folder = temporaryFolder(t);
  const open = async (location, options) => {
    const provider = await SqliteProvider.open(location, options);
    await provider.close();
  };
  await open(path.join(folder, 'bare.db'));
  await open(`sqlite:${path.join(folder, 'deep', 'er', 'url.db')}`);
  await open(`sqlite://${path.join(folder, 'slashes.db')}`);
  await open(`sqlite:${path.join(folder, 'query.db')}?mode=rwc`, { synchronous: 'normal' });
  await open(':memory:');
  await open('sqlite::memory:');
  const files = fs.readdirSync(folder);
  for (const name of ['bare.db', 'slashes.db', 'query.db', 'deep']) assert.ok(files.includes(name));
  assert.ok(!files.some((name) => name.includes('?')), `${files}`);
  for (const location of [
    'sqlite://localhost/data.db',
    'file://data.db',
    'sqlite:',
    `sqlite:${folder}/none.db?mode=rw`,
    `sqlite:${folder}/x.db?journal=off`,
  ]) {
    await assert.rejects(SqliteProvider.open(location), /Failed to open SQLite/, location);
  }
  await assert.rejects(SqliteProvider.open(''), TypeError);
  await assert.rejects(SqliteProvider.open(7), TypeError);
  await assert.rejects(SqliteProvider.open('x.db', { sync: 'full' }), /unknown option 'sync'/);
  await assert.rejects(SqliteProvider.open('x.db', { synchronous: 'off' }), /'full' or 'normal'/);
  await assert.rejects(SqliteProvider.open(folder), /Failed to (open SQLite|create DB file)/);
});

test('a file that is no database is refused', async (t) => {
  const folder = temporaryFolder(t);
  const text = path.join(folder, 'text.db');
  fs.writeFileSync(
    text,
    'this is no database, but it is long enough to be read as one. '.repeat(99),
  );
  await assert.rejects(SqliteProvider.open(text), (error) => {
    assert.match(error.message, /Failed to open SQLite/);
    assert.ok(['CORRUPT', 'SCHEMA'].includes(error.code), error.code);
    return true;
  });
  assert.match(fs.readFileSync(text, 'utf8'), /^this is no database/);
});

test('a file that a newer release has migrated names the releases that may open it', async (t) => {
  const file = path.join(temporaryFolder(t), 'newer.db');
  await (await SqliteProvider.open(file)).close();
  // Where SQLite keeps the number of the schema, and the only version in an empty store.
  const bytes = fs.readFileSync(file, 'latin1');
  const USER_VERSION = 60;
  const newer = `${bytes.slice(0, USER_VERSION)}\0\0\0\x63${bytes.slice(USER_VERSION + 4)}`;
  const refused = newer.replace(/\d+\.\d+\.\d+/, (oldest) => oldest.replace(/\d/g, '9'));
  assert.notEqual(refused, newer);
  fs.writeFileSync(file, refused, 'latin1');
  await assert.rejects(SqliteProvider.open(file), (error) => {
    assert.equal(error.code, 'SCHEMA');
    assert.match(
      error.message,
      /oldest release that may open it is 9\.9\.9, and this is \d+\.\d+\.\d+/,
    );
    return true;
  });
  const allowed = newer.replace(/\d+\.\d+\.\d+/, (oldest) => oldest.replace(/\d/g, '0'));
  fs.writeFileSync(file, allowed, 'latin1');
  await (await SqliteProvider.open(file)).close();
});

test('two stores in memory never meet', async (t) => {
  const one = await withStore(t, { memory: true });
  const two = await withStore(t, { memory: true });
  await one.start({
    orchestrations: {
      *Quick() {
        return 1;
      },
    },
  });
  await one.output('Quick');
  assert.deepEqual(await one.client.listAllInstances(), ['Quick-1']);
  assert.deepEqual(await two.client.listAllInstances(), []);
});

test('PostgreSQL servers that cannot be used are refused with their cause', async () => {
  const connect = 'Failed to connect to PostgreSQL: ';
  await assert.rejects(PostgresProvider.connect('postgres://u:secret@127.0.0.1:1/d'), (error) => {
    assert.equal(error.code, 'CANNOT_OPEN');
    assert.ok(error.message.startsWith(connect), error.message);
    assert.match(error.message, /connection refused/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
  await assert.rejects(PostgresProvider.connect('mysql://u:secret@h/d'), {
    code: 'INVALID_INPUT',
    message: `${connect}the URL must begin with postgres:// or postgresql://`,
  });
  for (const name of ['', 'a b', 'a"b', '1a']) {
    await assert.rejects(PostgresProvider.connectWithSchema('postgres://h/d', name), {
      code: 'INVALID_INPUT',
      message: `${connect}Invalid schema_name '${name}': must match [A-Za-z_][A-Za-z0-9_]*`,
    });
  }
  for (const call of [
    () => PostgresProvider.connect(),
    () => PostgresProvider.connectWithSchema('postgres://h/d', null),
    () => PostgresProvider.connectWithEntra('h', '5432', 'd', 'u'),
    () => PostgresProvider.connectWithEntra('h', 5432, 'd', 'u', { nonsense: 1 }),
    () => PostgresProvider.connectWithSchemaAndEntra('h', 5432, 'd', 'u'),
  ]) {
    await assert.rejects(call, TypeError);
  }
});
