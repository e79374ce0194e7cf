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
