'use strict';

/** Histories that come from another store: looked at, replayed, checked and forked, and nothing else. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const zlib = require('node:zlib');
const { replay } = require('duroxide/testing');
const { completed, withStore } = require('./support/harness.js');

const activities = { charge: (_ctx, n) => n * 2, fails: () => assert.fail('no money') };

/** Two rounds with values; the second one waits, or ends. */
const order = function* (ctx, round) {
  ctx.setValue(`round-${round}`, String(round));
  const charged = yield ctx.scheduleActivity('charge', round);
  ctx.setCustomStatus(`charged ${charged}`);
  if (round === 1) return yield ctx.continueAsNew(2);
  yield ctx.scheduleSubOrchestration('Child');
  const event = yield ctx.waitForEvent('go');
  return [charged, event, ctx.getValue('round-1')];
};
const child = function* (ctx) {
  return yield ctx.scheduleActivity('charge', 21);
};
const setup = { activities, orchestrations: { Order: order, Child: child } };

/** A store with an instance that waits in its second execution, and what was exported of it. */
async function exported(t) {
  const from = await withStore(t);
  await from.start(setup);
  const id = await from.launch('Order', 1);
  await from.until(id, 'charged 4');
  await from.recorded(id, (e) => e.kind === 'ExternalSubscribed', { execution: 2 });
  return { from, id, text: await from.client.exportHistory(id) };
}

/** What two stores have to say of an instance alike. */
async function told(client, id) {
  const info = await client.getInstanceInfo(id);
  const executions = await client.listExecutions(id);
  const histories = [];
  for (const execution of executions) {
    histories.push(await client.readExecutionHistory(id, execution));
    histories.push((await client.getExecutionInfo(id, execution)).status);
  }
  return {
    of: [info.orchestrationName, info.orchestrationVersion, info.status, info.currentExecutionId],
    output: info.output,
    customStatus: (await client.getStatus(id)).customStatus,
    values: await client.getKvAllValues(id),
    executions,
    histories,
  };
}

test('an imported instance says what the first one said, and is exported the same', async (t) => {
  const { from, id, text } = await exported(t);
  const h = await withStore(t);
  assert.deepEqual(await h.client.importHistory(text), { instanceId: id, executions: 2 });
  assert.deepEqual(await told(h.client, id), await told(from.client, id));
  assert.equal((await h.client.getInstanceInfo(id)).imported, true);
  assert.equal((await h.client.describe(id)).imported, true);
  assert.equal((await h.client.listAllInstances()).length, 1);
  assert.equal(await h.client.exportHistory(id), text);
  assert.deepEqual(await replay(await h.client.exportHistory(id), setup.orchestrations.Order), {
    ok: true,
  });
  await from.client.raiseEvent(id, 'go', 'went');
  completed(await from.wait(id));
  const ended = await from.client.exportHistory(id);
  await h.client.importHistory(ended, { instanceId: 'ended' });
  assert.deepEqual(await told(h.client, 'ended'), await told(from.client, id));
  assert.deepEqual(completed(await h.wait('ended')), [4, 'went', '1']);
});

test('it is inert, whatever is done to it', async (t) => {
  const { id, text } = await exported(t);
  const h = await withStore(t);
  await h.client.raiseEvent(id, 'go', 'before');
  await h.client.importHistory(text);
  await h.start(setup);
  const before = await told(h.client, id);
  const unheard = { code: 'INSTANCE_ENDED' };
  await assert.rejects(h.client.raiseEvent(id, 'go', 'went'), unheard);
  await assert.rejects(h.client.enqueueEvent(id, 'q', 1), unheard);
  await assert.rejects(h.client.cancelInstance(id), unheard);
  await assert.rejects(h.client.terminateInstance(id), unheard);
  const busy = { code: 'CANNOT_REPAIR' };
  await assert.rejects(h.client.retryInstance(id), busy);
  const toEvent = { execution: 2, event: 2 };
  await assert.rejects(h.client.rewindInstance(id, { toEvent, acceptUndo: true }), busy);
  await assert.rejects(h.client.start('Order', id, 1, { rejectIfExists: true }), {
    code: 'INSTANCE_EXISTS',
  });
  await assert.rejects(h.client.importHistory(text), { code: 'INSTANCE_EXISTS' });
  assert.deepEqual(await h.client.versionsInUse(), []);
  // What runs beside it is not kept from running.
  const other = await h.launch('Child');
  assert.equal(completed(await h.wait(other)), 42);
  assert.deepEqual(await told(h.client, id), before);
  assert.deepEqual((await h.client.getHealth()).waiting, []);
  await h.client.deleteInstance(id);
  await h.client.startOrchestration(id, 'Child');
  assert.equal(completed(await h.wait(id)), 42);
  assert.equal((await h.client.getInstanceInfo(id)).imported, undefined);
});

test('a fork of it runs', async (t) => {
  const { id, text } = await exported(t);
  const h = await withStore(t);
  await h.client.importHistory(text);
  await h.start(setup);
  await h.client.forkInstance(id, 'fork');
  await h.client.raiseEvent('fork', 'go', 'went');
  assert.deepEqual(completed(await h.wait('fork')), [4, 'went', '1']);
  assert.equal((await h.client.getInstanceInfo('fork')).imported, undefined);
  assert.equal((await h.client.getStatus(id)).status, 'Running');
});

test('a failed one is shown as failed, and not retried', async (t) => {
  const from = await withStore(t);
  const fails = function* (ctx) {
    yield ctx.scheduleActivity('fails');
  };
  await from.start({ activities, orchestrations: { Order: fails } });
  const id = await from.launch('Order');
  await from.wait(id);
  const h = await withStore(t);
  await h.client.importHistory(await from.client.exportHistory(id));
  const status = await h.client.getStatus(id);
  assert.deepEqual(status, { ...(await from.client.getStatus(id)) });
  const { instances, refused } = await h.client.retryInstances({ name: 'Order' });
  assert.deepEqual([instances, refused.map(({ code }) => code)], [[], ['CANNOT_REPAIR']]);
});

test('what is no exported history is refused, and leaves nothing', async (t) => {
  const { text } = await exported(t);
  const h = await withStore(t);
  const lines = text.trimEnd().split('\n');
  const at = lines.findLastIndex((line) => line.startsWith('{"execution":'));
  const changed = (line, change) => {
    const copy = [...lines];
    copy[line] = JSON.stringify(change(JSON.parse(lines[line])));
    return copy.join('\n');
  };
  const row = (line) => JSON.parse(lines[line]).row;
  for (const bad of [
    '',
    'no JSON',
    lines.slice(0, 1).join('\n'),
    lines.slice(0, -1).join('\n'),
    [...lines.slice(0, at - 1), ...lines.slice(at)].join('\n'),
    [lines[0], ...lines.slice(at), ...lines.slice(1, at)].join('\n'),
    changed(0, (first) => ({ ...first, format: 2 })),
    changed(2, (event) => ({ ...event, row: 'AAAA' })),
    changed(2, (event) => ({ ...event, eventId: 7 })),
    changed(2, (event) => ({ ...event, row: row(3), eventId: JSON.parse(lines[3]).eventId })),
    changed(at + 2, (event) => ({ ...event, row: row(at + 3) })),
    changed(at, (first) => ({ ...first, execution: 9 })),
    changed(at, (first) => ({ ...first, execution: 1 })),
    changed(at, (first) => ({ ...first, values: [{ key: 'k'.repeat(3000), value: '1' }] })),
  ]) {
    await assert.rejects(h.client.importHistory(bad), (error) => {
      assert.match(error.code, /^(INVALID_INPUT|LIMIT_EXCEEDED)$/, bad.slice(0, 300));
      return true;
    });
    assert.deepEqual(await h.client.listAllInstances(), [], bad.slice(0, 300));
  }
  for (const instanceId of ['a::sub::1', '__duroxide_schedule:nightly']) {
    await assert.rejects(h.client.importHistory(text, { instanceId }), { code: 'INVALID_INPUT' });
  }
});

test('a long history with a pruned beginning is taken in parts', async (t) => {
  const from = await withStore(t);
  await from.start({
    activities,
    orchestrations: {
      *Long(ctx, round) {
        ctx.setValue('round', String(round));
        if (round < 3) return yield ctx.continueAsNew(round + 1);
        const all = [];
        for (let n = 0; n < 700; n++) all.push(ctx.scheduleActivity('charge', n));
        yield ctx.all(all);
        ctx.setCustomStatus('done');
        yield ctx.waitForEvent('go');
      },
    },
  });
  const id = await from.launch('Long', 1);
  await from.until(id, 'done');
  await from.client.pruneExecutions(id, { keepLast: 2 });
  const text = await from.client.exportHistory(id);
  const h = await withStore(t);
  assert.deepEqual(await h.client.importHistory(text), { instanceId: id, executions: 2 });
  assert.deepEqual(await told(h.client, id), await told(from.client, id));
});

test('what 1.0.0 has exported is read', async (t) => {
  const h = await withStore(t);
  const file = path.join(__dirname, 'testdata/schedules/1.0.0.ndjson.gz');
  const text = zlib.gunzipSync(fs.readFileSync(file)).toString();
  const each = text.split(/^(?=\{"format":)/m);
  for (const [n, history] of each.entries()) {
    const { instanceId } = await h.client.importHistory(history, { instanceId: `old-${n}` });
    assert.equal((await h.client.getInstanceInfo(instanceId)).imported, true);
  }
  assert.equal((await h.client.listAllInstances()).length, each.length);
});
