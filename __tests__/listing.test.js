'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, failed, withRuntime } = require('./support/harness.js');

const orchestrations = {
  *Quick(_ctx, n) {
    return n;
  },
  *Other() {
    return 'other';
  },
  *Bad() {
    throw new Error('bad');
  },
  *Waiting(ctx) {
    ctx.setCustomStatus('waiting');
    return yield ctx.waitForEvent('go');
  },
};

/** Starts instances one after another, so that the order in which they were made is known. */
async function launchAll(h, ids, name = 'Quick') {
  for (const id of ids) {
    await h.client.startOrchestration(id, name, id);
    await h.wait(id);
  }
}

test('pages go from the newest instance to the oldest without a gap or a repetition', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  const ids = Array.from({ length: 25 }, (_, n) => `page-${String(n).padStart(2, '0')}`);
  await launchAll(h, ids);
  const seen = [];
  for (let before; ; ) {
    const page = await h.client.listAllInstances({ limit: 7, before });
    seen.push(...page);
    if (page.length < 7) break;
    before = page.at(-1);
  }
  assert.deepEqual(seen, ids.toReversed());
  assert.deepEqual(await h.client.listAllInstances({ limit: 1 }), ['page-24']);
});

test('a page is not disturbed by instances that are made meanwhile', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  await launchAll(h, ['a', 'b', 'c', 'd']);
  const first = await h.client.listAllInstances({ limit: 2 });
  await launchAll(h, ['e', 'f']);
  const second = await h.client.listAllInstances({ limit: 2, before: first.at(-1) });
  assert.deepEqual(
    [first, second],
    [
      ['d', 'c'],
      ['b', 'a'],
    ],
  );
});

test('a page behind the last instance is empty, and one behind a deleted instance is refused', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  await launchAll(h, ['a', 'b', 'c']);
  assert.deepEqual(await h.client.listAllInstances({ before: 'a' }), []);
  assert.deepEqual(await h.client.listInstancesByStatus('Failed', { before: 'c' }), []);
  await h.client.deleteInstance('b');
  const gone = {
    code: 'INSTANCE_NOT_FOUND',
    message: "options.before names the instance 'b', which is not there; begin again",
  };
  await assert.rejects(h.client.listAllInstances({ before: 'b' }), gone);
  await assert.rejects(h.client.listInstancesByStatus('Completed', { before: 'b' }), gone);
});

test('filters by prefix, name, status and time go together', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  await launchAll(h, ['eu-1', 'eu-2', 'us-1']);
  await launchAll(h, ['eu-3'], 'Bad');
  await launchAll(h, ['eu_4', 'EU-5'], 'Other');
  const list = (options) => h.client.listAllInstances(options);
  assert.deepEqual(await list({ idPrefix: 'eu-' }), ['eu-3', 'eu-2', 'eu-1']);
  assert.deepEqual(await list({ idPrefix: 'eu_' }), ['eu_4']);
  assert.deepEqual(await list({ idPrefix: '%' }), []);
  assert.deepEqual(await list({ name: 'Other' }), ['EU-5', 'eu_4']);
  assert.deepEqual(await list({ name: 'Quick', idPrefix: 'eu-', limit: 1 }), ['eu-2']);
  const byStatus = (status, options) => h.client.listInstancesByStatus(status, options);
  assert.deepEqual(await byStatus('Failed', { idPrefix: 'eu-' }), ['eu-3']);
  assert.deepEqual(await byStatus('Completed', { idPrefix: 'eu-', before: 'eu-2' }), ['eu-1']);
  const { createdAt } = await h.client.getInstanceInfo('eu-1');
  const later = createdAt + 3_600_000;
  assert.equal((await list({ createdFrom: createdAt, createdBefore: later })).length, 6);
  assert.deepEqual(await list({ createdFrom: later }), []);
  assert.deepEqual(await list({ createdBefore: createdAt }), []);
});

test('wrong options of listings are refused by name', async (t) => {
  const h = await withRuntime(t);
  for (const [options, message] of [
    [{ limit: 0 }, /options.limit must be a whole number from 1 on/],
    [{ limit: 1.5 }, /options.limit must be a whole number/],
    [{ limits: 5 }, /unknown option 'limits'; did you mean 'limit'/],
    [{ before: 5 }, /options.before must be a string/],
    [{ createdFrom: '2020' }, /options.createdFrom must be a number/],
    ['x', /options must be an object/],
  ]) {
    await assert.rejects(h.client.listAllInstances(options), { message });
    await assert.rejects(h.client.listInstancesByStatus('Running', options), { message });
  }
});

test('a start of an id that exists is ignored, or refused if asked for', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  const exclusive = { rejectIfExists: true };
  const race = Array.from({ length: 10 }, (_, n) =>
    h.client.startOrchestration('raced', 'Quick', n, exclusive),
  );
  const settled = await Promise.allSettled(race);
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 1);
  await h.client.startOrchestration('taken', 'Waiting', null, exclusive);
  await h.until('taken', 'waiting');
  const refused = { code: 'INSTANCE_EXISTS', message: 'Instance taken exists already' };
  await assert.rejects(h.client.startOrchestration('taken', 'Quick', 1, exclusive), refused);
  await h.client.startOrchestration('taken', 'Quick', 1);
  await h.client.raiseEvent('taken', 'go', 'first');
  assert.equal(completed(await h.wait('taken')), 'first');
  const versioned = h.client.startOrchestrationVersioned('taken', 'Quick', 1, '1.0.0', exclusive);
  await assert.rejects(versioned, refused);
  await h.client.startOrchestration('taken', 'Quick', 1);
  assert.equal(completed(await h.wait('taken')), 'first');
  await h.client.startOrchestration('broken', 'Bad', null, exclusive);
  assert.equal(failed(await h.wait('broken')), 'bad');
  await assert.rejects(h.client.startOrchestration('broken', 'Bad', null, exclusive), {
    code: 'INSTANCE_EXISTS',
  });
  await h.client.deleteInstance('broken');
  await h.client.startOrchestration('broken', 'Quick', 'again', exclusive);
  assert.equal(completed(await h.wait('broken')), 'again');
  await assert.rejects(h.client.startOrchestration('x', 'Quick', 1, { rejectIfExist: true }), {
    message: /did you mean 'rejectIfExists'/,
  });
});
