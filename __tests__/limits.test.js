'use strict';

/**
 * Every limit, on every path that leads to it: at the limit things work, one above they are refused
 * at the call, and nothing is stored. The engine has limits of its own, which what is at ours passes.
 */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const {
  MAX_KV_KEYS,
  MAX_KV_VALUE_BYTES,
  MAX_TAG_NAME_BYTES,
  MAX_WORKER_TAGS,
  Runtime,
} = require('../lib/duroxide.js');
const { completed, openStore, signal, withRuntime, withStore } = require('./support/harness.js');

const MAX_STATUS_BYTES = 262144;
const DEFAULT_SESSIONS = 10;
const BULK_LIMIT = 1000;

/** Texts of a number of UTF-8 bytes, whose length in characters is another. */
const ascii = (bytes) => 'x'.repeat(bytes);
const wide = (bytes) => 'é'.repeat(bytes >> 1) + 'x'.repeat(bytes & 1);
/** An object whose JSON text has that many bytes. */
const json = (bytes) => ({ a: ascii(bytes - '{"a":""}'.length) });

const tagText = (size) => `Activity 'Tag' tag size (${size} bytes) exceeds limit (256 bytes)`;
const policy = { maxAttempts: 1 };
const activityTasks = {
  'an activity': (ctx) => ctx.scheduleActivity('Tag'),
  'a typed activity': (ctx) => ctx.scheduleActivityTyped('Tag'),
  'an activity on a session': (ctx) => ctx.scheduleActivityOnSession('Tag', null, 's'),
  'a retried activity': (ctx) => ctx.scheduleActivityWithRetry('Tag', null, policy),
  'a retried activity on a session': (ctx) =>
    ctx.scheduleActivityWithRetryOnSession('Tag', null, policy, 's'),
};

/** What a method of the context takes at most: `use` gets a size in bytes, and yields if need be. */
const SIZES = [
  ...Object.entries({ ascii, wide, json }).flatMap(([form, make]) => [
    {
      what: `a custom status, ${form}`,
      stored: 'status',
      limit: MAX_STATUS_BYTES,
      *use(ctx, size) {
        ctx.setCustomStatus(make(size));
      },
      text: (size) => `Custom status size (${size} bytes) exceeds limit (262144 bytes)`,
    },
    {
      what: `a value, ${form}`,
      stored: 'value',
      limit: MAX_KV_VALUE_BYTES,
      *use(ctx, size) {
        ctx.setValue('key', make(size));
      },
      text: (size) => `KV value for key 'key' (${size} bytes) exceeds limit (65536 bytes)`,
    },
  ]),
  ...Object.entries(activityTasks).map(([what, make]) => ({
    what: `the tag of ${what}`,
    limit: MAX_TAG_NAME_BYTES,
    *use(ctx, size) {
      const task = make(ctx).withTag(wide(size));
      assert.equal(yield task, task.tag);
    },
    text: tagText,
  })),
  {
    what: 'a tag that was written into a descriptor',
    limit: MAX_TAG_NAME_BYTES,
    *use(ctx, size) {
      yield Object.assign(ctx.scheduleActivity('Tag'), { tag: wide(size) });
    },
    text: tagText,
  },
];

test('sizes of what an orchestration writes', async (t) => {
  const h = await withRuntime(t, {
    options: { workerTagFilter: 'any' },
    activities: { Tag: (ctx) => ctx.tag() },
    orchestrations: {
      *Sized(ctx, index) {
        const { limit, use } = SIZES[index];
        yield* use(ctx, limit);
        yield ctx.scheduleTimer(0);
        try {
          yield* use(ctx, limit + 1);
        } catch (error) {
          return [error.name, error.code, error.message];
        }
      },
    },
  });
  for (const [index, { what, stored, limit, text }] of SIZES.entries()) {
    const id = await h.launch('Sized', index);
    const status = await h.wait(id);
    const expected = ['LimitError', 'LIMIT_EXCEEDED', text(limit + 1)];
    assert.deepEqual(completed(status), expected, what);
    const texts = { status: status.customStatus, value: await h.client.getValue(id, 'key') };
    if (stored) assert.equal(Buffer.byteLength(texts[stored]), limit, what);
  }
});

test('the number of keys, also of those from earlier executions', async (t) => {
  const above = {
    name: 'LimitError',
    code: 'LIMIT_EXCEEDED',
    message: 'KV key count (151) exceeds limit (150)',
  };
  const h = await withRuntime(t, {
    orchestrations: {
      *Keys(ctx, execution) {
        const isFirst = execution === 1;
        if (isFirst) for (let i = 0; i < MAX_KV_KEYS; i++) ctx.setValue(`key-${i}`, i);
        assert.throws(() => ctx.setValue('one more', ''), above);
        ctx.setValue('key-0', `again in ${execution}`);
        yield ctx.scheduleTimer(0);
        assert.throws(() => ctx.setValue('one more', ''), above);
        if (isFirst) return yield ctx.continueAsNew(2);
        ctx.clearValue('key-1');
        ctx.setValue('instead', '');
        assert.throws(() => ctx.setValue('key-1', ''), above);
        return ctx.getKvLength();
      },
    },
  });
  const id = await h.launch('Keys', 1);
  assert.equal(completed(await h.wait(id)), MAX_KV_KEYS);
  const values = await h.client.getKvAllValues(id);
  assert.equal(Object.keys(values).length, MAX_KV_KEYS);
  assert.equal(values['key-0'], 'again in 2');
  assert.deepEqual([values['key-1'], values.instead], [undefined, '']);
});

/** Options at a limit and beyond it, with what is said about the latter. */
const OPTIONS = [
  ...['tags', 'defaultAnd'].flatMap((form) => [
    {
      at: { workerTagFilter: { [form]: tags(MAX_WORKER_TAGS) } },
      above: { workerTagFilter: { [form]: tags(MAX_WORKER_TAGS + 1) } },
      error: { code: 'LIMIT_EXCEEDED', message: /must hold 1 to 5 tags, not 6/ },
    },
    {
      at: { workerTagFilter: { [form]: ['one'] } },
      above: { workerTagFilter: { [form]: [] } },
      error: { name: 'RangeError', message: /must hold 1 to 5 tags, not 0/ },
    },
    {
      at: { workerTagFilter: { [form]: ['a', wide(MAX_TAG_NAME_BYTES)] } },
      above: { workerTagFilter: { [form]: ['a', wide(MAX_TAG_NAME_BYTES + 1)] } },
      error: { code: 'LIMIT_EXCEEDED', message: /\[1\] size \(257 bytes\) exceeds limit \(256/ },
    },
  ]),
  lowest('workerLockTimeoutMs', 100),
  lowest('hostTimeoutMs', 100),
  lowest('orchestrationDeadlineMs', 100),
  lowest('maxSessionsPerRuntime', 1),
  lowest('dispatcherPollIntervalMs', 0),
  lowest('orchestrationConcurrency', 0),
  lowest('workerConcurrency', 0),
  {
    at: { sessionIdleTimeoutMs: 25001 },
    above: { sessionIdleTimeoutMs: 25000 },
    error: { message: /session_idle_timeout \(25s\) must be greater than .* interval \(25s\)/ },
  },
  {
    at: { sessionIdleTimeoutMs: 1001, workerLockTimeoutMs: 2000 },
    above: { sessionIdleTimeoutMs: 1000, workerLockTimeoutMs: 2000 },
    error: { message: /session_idle_timeout \(1s\) must be greater than .* interval \(1s\)/ },
  },
];

function tags(count) {
  return Array.from({ length: count }, (_, n) => `tag-${n}`);
}

function lowest(option, min) {
  const message = new RegExp(`options.${option} must be a whole number from ${min} on`);
  const error = { name: 'RangeError', message };
  return { at: { [option]: min }, above: { [option]: min - 1 }, error };
}

test('options of a runtime', async (t) => {
  const { provider } = await openStore(t, { memory: true });
  const startAndStop = async (options) => {
    const runtime = new Runtime(provider, { logLevel: 'off', ...options });
    await runtime.start();
    await runtime.shutdown();
  };
  for (const { at, above, error } of OPTIONS) {
    await startAndStop(at);
    await assert.rejects(startAndStop(above), error, JSON.stringify(above).slice(0, 80));
  }
});

test('numbers that a client is given are exact', async (t) => {
  const { client } = await withStore(t, { memory: true });
  const most = Number.MAX_SAFE_INTEGER;
  const calls = [
    (n) => client.readExecutionHistory('none', n),
    (n) => client.getExecutionInfo('none', n),
    (n) => client.waitForStatusChange('none', n, 1, 1),
    (n) => client.pruneExecutions('none', { keepLast: n }),
    (n) => client.pruneExecutions('none', { completedBefore: n }),
    (n) => client.pruneExecutionsBulk({ instanceIds: [] }, { keepLast: n }),
    (n) => client.deleteInstanceBulk({ instanceIds: [], completedBefore: n }),
    (n) => client.deleteInstanceBulk({ instanceIds: [], limit: n }),
    (n) => client.listAllInstances({ limit: n }),
    (n) => client.listInstancesByStatus('Running', { createdFrom: n, createdBefore: n }),
  ];
  for (const call of calls) {
    // There is no such instance; what matters is that the number was taken.
    const outcome = await call(most).catch((error) => error.code);
    assert.ok(!['INVALID_INPUT', undefined].includes(outcome), `${call}: ${outcome}`);
    for (const wrong of [most + 1, 1e300, -1, 0.5]) {
      await assert.rejects(call(wrong), { name: 'RangeError', message: /must be/ }, String(call));
    }
  }
});

test('a bulk call without a limit looks at a thousand instances', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Quick() {},
    },
  });
  const ids = await Promise.all(
    Array.from({ length: BULK_LIMIT + 1 }, () => h.launch('Quick').then((id) => h.wait(id))),
  );
  for (const status of ids) completed(status);
  const count = async (filter) => {
    const { instancesProcessed } = await h.client.pruneExecutionsBulk(filter);
    return instancesProcessed;
  };
  assert.equal(await count(), BULK_LIMIT);
  assert.equal(await count({ limit: BULK_LIMIT + 1 }), BULK_LIMIT + 1);
  assert.equal(await count({ limit: 0 }), 0);
  const remove = async (filter) => (await h.client.deleteInstanceBulk(filter)).instancesDeleted;
  assert.equal(await remove({ limit: 0 }), 0);
  assert.equal(await remove(), BULK_LIMIT);
  assert.equal(await remove(), 1);
});

test('ten sessions at a time, if nothing else is said', async (t) => {
  const held = signal();
  const sessions = new Set();
  const h = await withRuntime(t, {
    options: { workerConcurrency: DEFAULT_SESSIONS + 2 },
    activities: {
      async Hold(ctx) {
        sessions.add(ctx.sessionId);
        await held.promise;
      },
      Count: () => sessions.size,
    },
    orchestrations: {
      *Holders(ctx, count) {
        const names = Array.from({ length: count }, (_, n) => `session-${n}`);
        const tasks = names.map((name) => ctx.scheduleActivityOnSession('Hold', null, name));
        return (yield ctx.all(tasks)).length;
      },
      *Plain(ctx) {
        return yield ctx.scheduleActivity('Count');
      },
    },
  });
  const id = await h.launch('Holders', DEFAULT_SESSIONS + 1);
  while ((await h.output('Plain')) < DEFAULT_SESSIONS);
  // The eleventh had every chance to begin before these, which came after it.
  assert.equal(await h.output('Plain'), DEFAULT_SESSIONS);
  assert.equal(await h.output('Plain'), DEFAULT_SESSIONS);
  held.resolve();
  assert.equal(completed(await h.wait(id)), DEFAULT_SESSIONS + 1);
  assert.equal(sessions.size, DEFAULT_SESSIONS + 1);
});

test('messages have none: not when they are read, nor when they are carried over', async (t) => {
  const h = await withStore(t);
  const counts = [99, 100, 101, 110];
  const ids = await Promise.all(counts.map((count) => h.launch('Reader', { count })));
  for (const [index, count] of counts.entries()) {
    for (let n = 0; n < count; n++) await h.client.enqueueEvent(ids[index], 'q', n);
  }
  await h.start({
    orchestrations: {
      *Reader(ctx, { count, isSecond }) {
        if (!isSecond) return yield ctx.continueAsNew({ count, isSecond: true });
        const read = [];
        while (read.length < count) read.push(yield ctx.dequeueEvent('q'));
        return read;
      },
    },
  });
  for (const [index, count] of counts.entries()) {
    const expected = Array.from({ length: count }, (_, n) => n);
    assert.deepEqual(completed(await h.wait(ids[index])), expected);
  }
});

test('what is thrown is stored as far as it has an end', async (t) => {
  const LONG = 50_000_000;
  const text = 'm'.repeat(LONG);
  const thrower = () => {
    const cause = new Error(`cause ${text}`);
    throw Object.assign(new TypeError(text, { cause }), { name: text, code: text, data: text });
  };
  const h = await withRuntime(t, {
    activities: { thrower },
    orchestrations: {
      *Catches(ctx) {
        try {
          yield ctx.scheduleActivity('thrower');
        } catch (error) {
          return [error.message.length, error.cause.message.length];
        }
      },
      *Throws() {
        thrower();
      },
    },
  });
  const [message, cause] = await h.output('Catches');
  assert.ok(message > 262_144 && message < 300_000, String(message));
  assert.ok(cause < 300_000, String(cause));
  const status = await h.run('Throws');
  assert.ok(status.error.length < 300_000);
  assert.match(status.error, /…$/);
  for (const id of ['Catches-1', 'Throws-2']) {
    const { historySizeBytes } = await h.client.getOrchestrationStats(id);
    assert.ok(historySizeBytes < 1_000_000, String(historySizeBytes));
  }
});

test('a reason that is too long is refused where it is given', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx) {
        yield ctx.waitForEvent('never');
      },
      *Cancels(ctx, reason) {
        ctx.cancelInstance('Waits-1', reason);
        return 'sent';
      },
    },
  });
  const id = await h.launch('Waits');
  const long = 'r'.repeat(65_537);
  const refused = { code: 'LIMIT_EXCEEDED', message: /reason size \(65537 bytes\) exceeds limit/ };
  await assert.rejects(h.client.cancelInstance(id, long), refused);
  await assert.rejects(h.client.terminateInstance(id, long), refused);
  const status = await h.run('Cancels', long);
  assert.match(status.error, /reason size/);
  await h.client.cancelInstance(id, long.slice(1));
  assert.equal((await h.wait(id)).status, 'Failed');
});
