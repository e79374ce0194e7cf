'use strict';

/**
 * One limit for everything that names something, on every store: at the limit it works, also where
 * nothing can be compressed, and one byte above it the call refuses it. What was made before there
 * was a limit goes on.
 */

const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { gunzipSync } = require('node:zlib');
const { Client, MAX_NAME_BYTES, Runtime, SqliteProvider } = require('../lib/duroxide.js');
const {
  PATIENCE_MS,
  completed,
  failed,
  makeRuntime,
  temporaryFolder,
  withRuntime,
  withStore,
} = require('./support/harness.js');
const old = require('./support/long-names.js');

const MAX_VERSION_BYTES = 256;
const MAX_ID_BYTES = 2600;

/** A text of so many bytes that no store can make shorter, part of it in wide characters. */
function text(bytes) {
  return `é${randomBytes(bytes).toString('base64')}`.slice(0, bytes - 1);
}

function tooLong(what, size = MAX_NAME_BYTES + 1, most = MAX_NAME_BYTES) {
  return {
    name: 'LimitError',
    code: 'LIMIT_EXCEEDED',
    message: `${what} size (${size} bytes) exceeds limit (${most} bytes)`,
  };
}

const longVersion = (bytes) => '1.0.0-'.padEnd(bytes, 'x');

const ABOVE = text(MAX_NAME_BYTES + 1);
const VERSION_ABOVE = longVersion(MAX_VERSION_BYTES + 1);

test('what is too long is refused by a client and by a registration', async (t) => {
  const { provider, client } = await withStore(t);
  const calls = [
    [tooLong('instanceId'), () => client.startOrchestration(ABOVE, 'X')],
    [tooLong('orchestrationName'), () => client.startOrchestration('a', ABOVE)],
    [tooLong('instanceId'), () => client.startOrchestrationVersioned(ABOVE, 'X', 1, '1.0.0')],
    [
      tooLong('orchestrationName'),
      () => client.startOrchestrationVersioned('a', ABOVE, 1, '1.0.0'),
    ],
    [
      tooLong('version', MAX_VERSION_BYTES + 1, MAX_VERSION_BYTES),
      () => client.startOrchestrationVersioned('a', 'X', 1, VERSION_ABOVE),
    ],
    [tooLong('eventName'), () => client.raiseEvent('a', ABOVE)],
    [tooLong('queueName'), () => client.enqueueEvent('a', ABOVE)],
    [tooLong('key'), () => client.waitForValue('a', ABOVE)],
    [tooLong('options.name'), () => client.listAllInstances({ name: ABOVE })],
  ];
  const runtime = new Runtime(provider);
  const registrations = [
    [tooLong('name'), () => runtime.registerActivity(ABOVE, () => {})],
    [tooLong('name'), () => runtime.registerOrchestration(ABOVE, function* () {})],
    [
      tooLong('name'),
      () => runtime.registerOrchestrationVersioned(ABOVE, '1.0.0', function* () {}),
    ],
    [
      tooLong('version', MAX_VERSION_BYTES + 1, MAX_VERSION_BYTES),
      () => runtime.registerOrchestrationVersioned('X', VERSION_ABOVE, function* () {}),
    ],
    [tooLong('options.workerNodeId'), () => new Runtime(provider, { workerNodeId: ABOVE })],
  ];
  for (const [error, call] of calls) await assert.rejects(call(), error, String(call));
  for (const [error, call] of registrations) assert.throws(call, error, String(call));
  assert.deepEqual(await client.listAllInstances(), [], 'nothing was stored');
});

test('an id that no instance can have is refused, and one that there may be is not', async (t) => {
  const { client } = await withStore(t);
  const possible = text(MAX_ID_BYTES);
  await client.raiseEvent(possible, 'e');
  await client.enqueueEvent(possible, 'q');
  await client.cancelInstance(possible);
  await assert.rejects(client.waitForOrchestration(possible, 1), { code: 'TIMEOUT' });
  const id = text(MAX_ID_BYTES + 1);
  const calls = [
    () => client.raiseEvent(id, 'e'),
    () => client.enqueueEvent(id, 'q'),
    () => client.cancelInstance(id),
    () => client.waitForOrchestration(id, PATIENCE_MS),
    () => client.waitForOrchestrationTyped(id, PATIENCE_MS),
    () => client.waitForStatusChange(id, 0, 1, PATIENCE_MS),
    () => client.waitForValue(id, 'k', PATIENCE_MS),
  ];
  for (const call of calls) {
    await assert.rejects(
      call(),
      tooLong('instanceId', MAX_ID_BYTES + 1, MAX_ID_BYTES),
      String(call),
    );
  }
  assert.equal((await client.getStatus(id)).status, 'NotFound');
  await assert.rejects(client.getInstanceInfo(id), { code: 'INSTANCE_NOT_FOUND' });
});

const policy = { maxAttempts: 1 };

/** Everything in an orchestration that takes a name, with what the error calls it. */
const USES = {
  'the name of an activity': ['name', (ctx, name) => ctx.scheduleActivity(name)],
  'the name of a retried activity': [
    'name',
    (ctx, name) => ctx.scheduleActivityWithRetry(name, 1, policy),
  ],
  'a session': ['sessionId', (ctx, name) => ctx.scheduleActivityOnSession('Echo', 1, name)],
  'the session of an option': [
    'sessionId',
    (ctx, name) => ctx.scheduleActivity('Echo', 1, { sessionId: name }),
  ],
  'the session of a retried activity': [
    'sessionId',
    (ctx, name) => ctx.scheduleActivityWithRetryOnSession('Echo', 1, policy, name),
  ],
  'an event': ['name', (ctx, name) => ctx.waitForEvent(name)],
  'a queue': ['queueName', (ctx, name) => ctx.dequeueEvent(name)],
  'the name of a child': ['name', (ctx, name) => ctx.scheduleSubOrchestration(name)],
  'the id of a child': [
    'instanceId',
    (ctx, name) => ctx.scheduleSubOrchestrationWithId('Leaf', name),
  ],
  'the id of a versioned child': [
    'instanceId',
    (ctx, name) => ctx.scheduleSubOrchestrationVersionedWithId('Leaf', '1.0.0', name),
  ],
  'the name of a detached start': ['name', (ctx, name) => ctx.startOrchestration(name, 'd')],
  'the id of a detached start': ['instanceId', (ctx, name) => ctx.startOrchestration('Leaf', name)],
  'the id of a versioned detached start': [
    'instanceId',
    (ctx, name) => ctx.startOrchestrationVersioned('Leaf', '1.0.0', name),
  ],
  'a key': [
    'KV key',
    (ctx, name) => {
      ctx.setValue(name, 'v');
      return ctx.scheduleTimer(0);
    },
  ],
};

const VERSIONS = {
  'of a child': (ctx, name) => ctx.scheduleSubOrchestrationVersioned('Leaf', name),
  'of a detached start': (ctx, name) => ctx.startOrchestrationVersioned('Leaf', name, 'd2'),
  'of a continuation': (ctx, name) => ctx.continueAsNewVersioned(1, name),
};

test('what is too long is refused in an orchestration, where code can catch it', async (t) => {
  const h = await withRuntime(t, {
    activities: { Echo: (_ctx, input) => input },
    orchestrations: {
      *Leaf() {},
      *Above(ctx) {
        const seen = [];
        const note = (what, use, name) => {
          try {
            use(ctx, name);
            seen.push(`${what} was taken`);
          } catch (error) {
            seen.push([what, error.name, error.code, error.message]);
          }
        };
        for (const [what, [, use]] of Object.entries(USES)) note(what, use, ABOVE);
        for (const [what, use] of Object.entries(VERSIONS)) note(what, use, VERSION_ABOVE);
        // What is changed behind our back is refused where it is yielded.
        try {
          yield Object.assign(ctx.waitForEvent('e'), { name: ABOVE });
        } catch (error) {
          seen.push(['changed', error.name, error.code, error.message]);
        }
        assert.equal(ctx.getValue(ABOVE), null);
        ctx.clearValue(ABOVE);
        return seen;
      },
      *Uncaught(ctx) {
        yield ctx.waitForEvent(ABOVE);
      },
    },
  });
  const refused = (what, argument, size, most) => {
    const { name, code, message } = tooLong(argument, size, most);
    return [what, name, code, message];
  };
  const id = text(MAX_NAME_BYTES);
  await h.client.startOrchestration(id, 'Above');
  assert.deepEqual(completed(await h.wait(id)), [
    ...Object.entries(USES).map(([what, [argument]]) => refused(what, argument)),
    ...Object.keys(VERSIONS).map((what) =>
      refused(what, 'version', MAX_VERSION_BYTES + 1, MAX_VERSION_BYTES),
    ),
    refused('changed', 'name'),
  ]);
  assert.match(failed(await h.run('Uncaught')), /name size \(2001 bytes\) exceeds limit/);
});

test('what is as long as it may be works, though nothing can be compressed', async (t) => {
  const names = Object.fromEntries(
    ['activity', 'session', 'event', 'queue', 'child', 'id', 'detached', 'key'].map((kind) => [
      kind,
      text(MAX_NAME_BYTES),
    ]),
  );
  const tag = 'x'.repeat(256);
  const version = longVersion(MAX_VERSION_BYTES);
  const leaf = function* () {
    return 'done';
  };
  const h = await withRuntime(t, {
    options: { workerTagFilter: 'any', workerNodeId: text(MAX_NAME_BYTES) },
    activities: { [names.activity]: (ctx, input) => [input, ctx.sessionId, ctx.tag()] },
    orchestrations: {
      *Everything(ctx) {
        ctx.setValue(names.key, 'v');
        const results = [
          yield ctx.scheduleActivityOnSession(names.activity, 1, names.session).withTag(tag),
          yield ctx.scheduleSubOrchestrationVersionedWithId(names.child, version, names.id),
          yield ctx.scheduleSubOrchestration(names.child),
          yield ctx.startOrchestration(names.child, names.detached),
          yield ctx.waitForEvent(names.event),
          yield ctx.dequeueEvent(names.queue),
          yield ctx.getValueFromInstance(ctx.instanceId, names.key),
        ];
        return yield ctx.continueAsNew(results);
      },
    },
    versions: [
      ['Everything', '2.0.0', everythingThen],
      [names.child, version, leaf],
    ],
  });
  function* everythingThen(_ctx, results) {
    return results;
  }
  const id = text(MAX_NAME_BYTES);
  await h.client.startOrchestrationVersioned(id, 'Everything', null, '1.0.0');
  await h.client.waitForValue(id, names.key, PATIENCE_MS);
  await h.client.enqueueEvent(id, names.queue, 'from the queue');
  completed(await h.client.waitForOrchestration(names.detached, PATIENCE_MS));
  await h.client.raiseEvent(id, names.event, 'an event');
  assert.deepEqual(completed(await h.wait(id)), [
    [1, names.session, tag],
    'done',
    'done',
    null,
    'an event',
    'from the queue',
    'v',
  ]);
  assert.equal(await h.client.getValue(id, names.key), 'v');
  const [generated, ...more] = await h.client.listAllInstances({
    name: names.child,
    idPrefix: `${id}::sub::`,
  });
  assert.deepEqual(more, []);
  const { allIds } = await h.client.getInstanceTree(id);
  assert.deepEqual(allIds.toSorted(), [id, names.id, generated].toSorted());
  assert.equal((await h.client.deleteInstance(id)).instancesDeleted, 3);
});

test('a child whose id would be too long fails, where its parent can catch it', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Leaf(ctx) {
        return ctx.instanceId;
      },
      /** Goes down as far as it can, and says how that ended. */
      *Nested(ctx) {
        try {
          return yield ctx.scheduleSubOrchestration('Nested');
        } catch (error) {
          const dropped = yield ctx.race(
            ctx.scheduleTimer(1),
            (function* () {
              yield ctx.scheduleSubOrchestration('Leaf');
            })(),
          );
          const id = `named-${ctx.instanceId.length}`;
          return {
            error: [error.constructor.name, error.message],
            dropped: dropped.index === 0 || dropped.error,
            named: yield ctx.scheduleSubOrchestrationWithId('Leaf', id),
            length: Buffer.byteLength(ctx.instanceId),
          };
        }
      },
    },
  });
  const id = text(MAX_NAME_BYTES);
  await h.client.startOrchestration(id, 'Nested');
  const { error, dropped, named, length } = completed(await h.wait(id));
  const size = length + '::sub::2'.length;
  assert.ok(length <= MAX_ID_BYTES && size > MAX_ID_BYTES, `${length}`);
  assert.deepEqual(error, [
    'OrchestrationError',
    `sub-orchestration instance id size (${size} bytes) exceeds limit (${MAX_ID_BYTES} bytes): its ` +
      'parents are nested too deep, give the child an id of its own',
  ]);
  assert.ok(dropped);
  assert.match(named, /^named-/);
  const { size: instances } = await h.client.getInstanceTree(id);
  assert.equal(instances, (length - MAX_NAME_BYTES) / '::sub::2'.length + 2);
});

test('instances with longer ids and names in a file of before go on', async (t) => {
  const file = path.join(temporaryFolder(t), 'old.db');
  const stored = fs.readFileSync(path.join(__dirname, 'testdata', 'long-names.db.gz'));
  fs.writeFileSync(file, gunzipSync(stored));
  const store = await SqliteProvider.open(file);
  t.after(() => store.close());
  const client = new Client(store);
  const { RUNNING, DOOMED, KEY, long } = old;
  assert.equal((await client.getStatus(RUNNING)).status, 'Running');
  assert.equal(await client.getValue(RUNNING, KEY), 'running');
  assert.equal(await client.waitForValue(RUNNING, KEY), 'running');
  await assert.rejects(client.waitForValue(RUNNING, `${KEY}x`), { code: 'LIMIT_EXCEEDED' });
  assert.equal(completed(await client.waitForOrchestration(long('child of running'))), 1);

  const runtime = makeRuntime(store, old);
  t.after(() => runtime.shutdown(100));
  await runtime.start();
  await client.raiseEvent(RUNNING, 'go', 4);
  const status = await client.waitForOrchestration(RUNNING, PATIENCE_MS);
  assert.equal(completed(status), 7);
  assert.equal(await client.getValue(RUNNING, KEY), 'at the end');
  assert.equal(completed(await client.getStatus(long('late child of running'))), '4');
  await client.cancelInstance(DOOMED, 'no more');
  assert.equal(failed(await client.waitForOrchestration(DOOMED, PATIENCE_MS)), 'canceled: no more');
  for (const id of [RUNNING, DOOMED]) assert.ok((await client.deleteInstance(id)).instancesDeleted);
  await assert.rejects(client.startOrchestration(RUNNING, 'Parent', 'again'), {
    code: 'LIMIT_EXCEEDED',
  });
});
