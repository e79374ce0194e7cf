'use strict';

/** Pages of instances, by conditions. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { withRuntime } = require('./support/harness.js');

const orchestrations = {
  *Quick() {
    return 'done';
  },
  *Waits(ctx) {
    yield ctx.scheduleSubOrchestrationWithId('Quick', `${ctx.instanceId}-kid`);
    return yield ctx.waitForEvent('go');
  },
};

const ids = ({ instances }) => instances.map(({ instanceId }) => instanceId);

test('instances are found by conditions', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  const first = await h.launch('Quick');
  await h.wait(first);
  const second = await h.launch('Waits');
  await h.wait(`${second}-kid`);
  const list = async (query) => ids(await h.client.listInstances(query));
  assert.deepEqual(await list(), [`${second}-kid`, second, first]);
  assert.deepEqual(await list({ status: 'Running' }), [second]);
  assert.deepEqual(await list({ name: 'Quick', version: '1.0.0' }), [`${second}-kid`, first]);
  assert.deepEqual(await list({ name: 'Quick', version: '2.0.0' }), []);
  assert.deepEqual(await list({ parent: second }), [`${second}-kid`]);
  assert.deepEqual(await list({ idPrefix: 'Waits' }), [`${second}-kid`, second]);
  const { createdAt, updatedAt } = await h.client.getInstanceInfo(second);
  assert.ok((await list({ updatedFrom: updatedAt })).includes(second));
  assert.ok(!(await list({ updatedBefore: updatedAt })).includes(second));
  assert.ok((await list({ createdFrom: createdAt })).includes(second));
  const {
    instances: [kid],
  } = await h.client.listInstances({ parent: second });
  const { output, ...info } = await h.client.getInstanceInfo(kid.instanceId);
  assert.equal(output, 'done');
  assert.deepEqual(kid, info);
});

test('pages go on whatever is deleted', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  for (let i = 0; i < 5; i += 1) await h.wait(await h.launch('Quick'));
  const seen = [];
  let after;
  for (;;) {
    const page = await h.client.listInstances({ limit: 2, ...(after && { after }) });
    seen.push(...ids(page));
    if (page.next === null) break;
    after = page.next;
    await h.client.deleteInstance(seen.at(-1));
  }
  assert.deepEqual(seen, ['Quick-5', 'Quick-4', 'Quick-3', 'Quick-2', 'Quick-1']);
  await assert.rejects(h.client.listInstances({ after: 'Quick-1' }), {
    name: 'RangeError',
    message: /options\.after must be what a page gave as next/,
  });
  await assert.rejects(h.client.listInstances({ limit: 0 }), RangeError);
  await assert.rejects(h.client.listInstances({ status: 'Ended' }), TypeError);
});

const failing = {
  *Thrown() {
    throw new Error('no');
  },
  *Quick() {
    return 'done';
  },
  *Waits(ctx) {
    return yield ctx.waitForEvent('go');
  },
};

test('instances are found by how they failed, listed in other orders, and counted', async (t) => {
  const h = await withRuntime(t, { orchestrations: failing });
  const { client } = h;
  const start = async (id, name) => client.startOrchestration(id, name);
  await start('b', 'Thrown');
  await start('é', 'Quick');
  await start('a', 'Waits');
  await start('c', 'Waits');
  await h.wait('b');
  await h.wait('é');
  await client.terminateInstance('c', 'enough');
  await h.wait('c');
  const list = async (query) => ids(await client.listInstances(query));

  assert.deepEqual(await list({ failure: 'application' }), ['b']);
  assert.deepEqual(await list({ failure: 'terminated' }), ['c']);
  assert.deepEqual(await list({ failure: 'terminated', name: 'Thrown' }), []);
  assert.deepEqual(await list({ held: true }), []);
  assert.deepEqual(await list({ held: false, status: 'Running' }), ['a']);
  const { instances } = await client.listInstances({ status: 'Failed' });
  assert.deepEqual(
    instances.map(({ instanceId, failureKind }) => [instanceId, failureKind]),
    [
      ['c', 'terminated'],
      ['b', 'application'],
    ],
  );

  assert.deepEqual(await list({ orderBy: 'oldest' }), ['b', 'é', 'a', 'c']);
  const first = await client.listInstances({ orderBy: 'id', limit: 2 });
  assert.deepEqual(ids(first), ['a', 'b']);
  await client.deleteInstance('b');
  const rest = await client.listInstances({ orderBy: 'id', limit: 2, after: first.next });
  assert.deepEqual(ids(rest), ['c', 'é']);
  await assert.rejects(client.listInstances({ after: first.next }), {
    message: /options\.after is not what a page in this order gave as next/,
  });
  await assert.rejects(client.listInstances({ orderBy: 'updated' }), TypeError);
  await assert.rejects(client.listInstances({ failure: 'unlucky' }), TypeError);

  assert.deepEqual(await client.countInstances(), { count: 3, groups: [], hasMore: false });
  assert.deepEqual((await client.countInstances({}, 'status')).groups, [
    { status: 'Running', count: 1 },
    { status: 'Completed', count: 1 },
    { status: 'Failed', count: 1 },
  ]);
  assert.deepEqual(await client.countInstances({ name: 'Waits' }, ['name', 'failure']), {
    count: 2,
    groups: [
      { name: 'Waits', failure: null, count: 1 },
      { name: 'Waits', failure: 'terminated', count: 1 },
    ],
    hasMore: false,
  });
  await assert.rejects(client.countInstances({}, 'colour'), {
    name: 'TypeError',
    message: /groupBy must be one of/,
  });
});
