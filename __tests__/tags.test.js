'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { MAX_TAG_NAME_BYTES, MAX_WORKER_TAGS, Runtime } = require('../lib/duroxide.js');
const { failed, makeRuntime, openStore, withRuntime, withStore } = require('./support/harness.js');

const activities = {
  Tag: (ctx) => ctx.tag(),
  Work: (ctx, input) => `${ctx.tag() ?? 'untagged'}:${input}`,
};

/** Runs code under a filter and gives its output. */
async function outputOf(t, workerTagFilter, code) {
  const options = workerTagFilter === undefined ? {} : { workerTagFilter };
  const h = await withRuntime(t, { activities, orchestrations: { Code: code }, options });
  return h.output('Code');
}

test('G1 a tagged activity sees its tag', async (t) => {
  const output = await outputOf(t, { defaultAnd: ['gpu'] }, function* (ctx) {
    return yield ctx.scheduleActivity('Tag').withTag('gpu');
  });
  assert.equal(output, 'gpu');
});

test('G2 an untagged activity sees null', async (t) => {
  const output = await outputOf(t, undefined, function* (ctx) {
    return yield ctx.scheduleActivity('Tag');
  });
  assert.equal(output, null);
});

test('G3 withTag is chainable, and the last call wins', async (t) => {
  const output = await outputOf(t, 'any', function* (ctx) {
    const task = ctx.scheduleActivity('Tag');
    assert.equal(task.withTag('cpu'), task);
    assert.equal(task.tag, 'cpu');
    assert.equal(task.withTag('gpu').tag, 'gpu');
    assert.equal(ctx.scheduleTimer(1).withTag, undefined);
    return yield task;
  });
  assert.equal(output, 'gpu');
});

test('G4 defaultOnly leaves a tagged activity alone', async (t) => {
  const output = await outputOf(t, 'defaultOnly', function* (ctx) {
    const task = ctx.scheduleActivity('Tag').withTag('gpu');
    const { index } = yield ctx.race(task, ctx.scheduleTimer(50));
    return index;
  });
  assert.equal(output, 1);
});

test('G5 all five forms of the filter are taken', async (t) => {
  const { provider } = await openStore(t);
  const filters = ['defaultOnly', 'any', 'none', { tags: ['gpu'] }, { defaultAnd: ['gpu'] }];
  for (const workerTagFilter of filters) {
    const runtime = makeRuntime(provider, { activities, options: { workerTagFilter } });
    await runtime.start();
    await runtime.shutdown(100);
  }
});

test('G6 any takes tagged and untagged activities', async (t) => {
  const output = await outputOf(t, 'any', function* (ctx) {
    const tagged = yield ctx.scheduleActivity('Work', 1).withTag('whatever');
    return [tagged, yield ctx.scheduleActivity('Work', 2)];
  });
  assert.deepEqual(output, ['whatever:1', 'untagged:2']);
});

test('G7 heterogeneous: one worker takes several tags and untagged work', async (t) => {
  const output = await outputOf(t, { defaultAnd: ['gpu', 'cpu'] }, function* (ctx) {
    const prepared = yield ctx.scheduleActivity('Work', 'in');
    const rendered = yield ctx.scheduleActivity('Work', prepared).withTag('gpu');
    return yield ctx.scheduleActivity('Work', rendered).withTag('cpu');
  });
  assert.equal(output, 'cpu:gpu:untagged:in');
});

test('G8 fallback: where nobody takes the tag, code goes another way', async (t) => {
  const output = await outputOf(t, 'defaultOnly', function* (ctx) {
    const fast = ctx.scheduleActivity('Work', 'fast').withTag('gpu');
    const { index, value } = yield ctx.race(fast, ctx.scheduleTimer(50));
    return index === 0 ? value : yield ctx.scheduleActivity('Work', 'slow');
  });
  assert.equal(output, 'untagged:slow');
});

test('G9 two runtimes of one process work together by tags', async (t) => {
  const h = await withStore(t);
  const orchestrations = {
    *Pipeline(ctx) {
      const first = yield ctx.scheduleActivity('Work', 1);
      const second = yield ctx.scheduleActivity('Work', first).withTag('gpu');
      return yield ctx.scheduleActivity('Work', second);
    },
  };
  const setup = { activities, orchestrations };
  const a = await h.start({ ...setup, options: { workerTagFilter: 'defaultOnly' } });
  const options = { orchestrationConcurrency: 0, workerTagFilter: { tags: ['gpu'] } };
  const b = await h.start({ ...setup, options });
  assert.equal(await h.output('Pipeline'), 'untagged:gpu:untagged:1');
  await b.shutdown(100);
  await a.shutdown(100);
});

test('a tag reaches retries and activities on a session', async (t) => {
  const output = await outputOf(t, { tags: ['gpu'] }, function* (ctx) {
    const policy = { maxAttempts: 2 };
    return [
      yield ctx.scheduleActivityWithRetry('Tag', null, policy).withTag('gpu'),
      yield ctx.scheduleActivityWithRetryOnSession('Tag', null, policy, 's').withTag('gpu'),
      yield ctx.scheduleActivityOnSession('Tag', null, 's').withTag('gpu'),
    ];
  });
  assert.deepEqual(output, ['gpu', 'gpu', 'gpu']);
});

test('a filter of tags takes no untagged work, and none takes nothing', async (t) => {
  const h = await withStore(t);
  const orchestrations = {
    // Where the activity is not taken, the timer wins however short it is.
    *Both(ctx, { tag, delayMs }) {
      const task = ctx.scheduleActivity('Tag');
      const timer = ctx.scheduleTimer(delayMs);
      return (yield ctx.race(tag ? task.withTag(tag) : task, timer)).index;
    },
  };
  await h.start({ activities, orchestrations, options: { workerTagFilter: { tags: ['gpu'] } } });
  assert.equal(await h.output('Both', { tag: 'gpu', delayMs: 60_000 }), 0);
  assert.equal(await h.output('Both', { tag: null, delayMs: 50 }), 1);
  assert.equal(await h.output('Both', { tag: 'cpu', delayMs: 50 }), 1);
  await h.restart({ activities, orchestrations, options: { workerTagFilter: 'none' } });
  assert.equal(await h.output('Both', { tag: 'gpu', delayMs: 50 }), 1);
  assert.equal(await h.output('Both', { tag: null, delayMs: 50 }), 1);
});

test('a tag of 256 bytes is taken, and one byte more throws at the call', async (t) => {
  const longest = 'é'.repeat(MAX_TAG_NAME_BYTES / 2);
  const h = await withRuntime(t, {
    activities,
    options: { workerTagFilter: { tags: [longest] } },
    orchestrations: {
      *Longest(ctx) {
        return yield ctx.scheduleActivity('Tag').withTag(longest);
      },
      *TooLong(ctx) {
        const task = ctx.scheduleActivity('Tag');
        assert.throws(() => task.withTag(`${longest}x`), { code: 'LIMIT_EXCEEDED' });
        task.withTag(`${longest}x`);
      },
    },
  });
  assert.equal(await h.output('Longest'), longest);
  assert.equal(
    failed(await h.run('TooLong')),
    "Activity 'Tag' tag size (257 bytes) exceeds limit (256 bytes)",
  );
});

test('a filter of five tags is taken, and one more throws at the construction', async (t) => {
  const { provider } = await openStore(t, { memory: true });
  const tags = Array.from({ length: MAX_WORKER_TAGS }, (_, n) => `tag-${n}`);
  for (const form of ['tags', 'defaultAnd']) {
    const make = (list) => () => new Runtime(provider, { workerTagFilter: { [form]: list } });
    assert.doesNotThrow(make(tags));
    assert.throws(make([...tags, 'one more']), /must hold 1 to 5 tags, not 6/);
    assert.throws(make([]), /must hold 1 to 5 tags, not 0/);
    assert.throws(make(['x'.repeat(MAX_TAG_NAME_BYTES + 1)]), { code: 'LIMIT_EXCEEDED' });
  }
});
