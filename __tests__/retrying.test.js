'use strict';

/** A failed instance is taken up again: its end goes, and what has led to it. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const {
  Harness,
  PATIENCE_MS,
  completed,
  failed,
  withRuntime,
  withStore,
} = require('./support/harness.js');
const { openStore } = require('./support/store.js');

/** Activities that fail until they are told otherwise, and count. */
function flaky() {
  const state = { broken: true, calls: [] };
  const fail = (name) => (_ctx, input) => {
    state.calls.push(`${name} ${input}`);
    if (state.broken) throw new Error(`no ${name}`);
    return `${name} ${input}`;
  };
  const pass = (name) => (_ctx, input) => {
    state.calls.push(`${name} ${input}`);
    return `${name} ${input}`;
  };
  return { state, activities: { charge: pass('charge'), ship: fail('ship'), undo: pass('undo') } };
}

const kinds = async (h, id, execution = 1) =>
  (await h.client.readExecutionHistory(id, execution)).map((event) => event.kind);

const orchestrations = {
  *Order(ctx, id) {
    ctx.setValue('at', 'charge');
    const paid = yield ctx.scheduleActivity('charge', id);
    ctx.setValue('at', 'ship');
    const sent = yield ctx.scheduleActivity('ship', id);
    return `${paid}, ${sent}, ${ctx.getValue('at')}`;
  },
  *Compensates(ctx, id) {
    yield ctx.scheduleActivity('charge', id);
    try {
      return yield ctx.scheduleActivity('ship', id);
    } catch (error) {
      yield ctx.scheduleActivity('undo', id);
      throw error;
    }
  },
  *Together(ctx, id) {
    const all = [ctx.scheduleActivity('ship', id), ctx.scheduleActivity('charge', id)];
    const results = yield ctx.all(all);
    const bad = results.find((result) => result.err !== undefined);
    if (bad) throw new Error(bad.err);
    return results.map((result) => result.ok).join(' and ');
  },
  *Parent(ctx, id) {
    const child = yield ctx.scheduleSubOrchestrationWithId('Order', `${id}-child`, id);
    return `${child} by its parent`;
  },
  *Waits(ctx) {
    const first = yield ctx.waitForEvent('go');
    const second = yield ctx.waitForEvent('go');
    return `${first} ${second}`;
  },
};

test('a failed activity is tried again, and nothing before it', async (t) => {
  const { state, activities } = flaky();
  const h = await withRuntime(t, { activities, orchestrations });
  const id = await h.launch('Order', 'a');
  assert.equal(failed(await h.wait(id)).includes('no ship'), true);
  state.broken = false;
  const options = { reason: 'the carrier is back', by: 'ops' };
  assert.deepEqual(await h.client.retryInstance(id, options), { instances: [id] });
  assert.equal(completed(await h.wait(id)), 'charge a, ship a, ship');
  assert.deepEqual(state.calls, ['charge a', 'ship a', 'ship a']);
  const history = await h.client.readExecutionHistory(id, 1);
  const note = history.find((event) => event.kind === 'OrchestrationRetried');
  const { failure, ...told } = JSON.parse(note.data);
  assert.deepEqual(told, {
    ...options,
    undone: [
      { eventId: 7, kind: 'ActivityFailed' },
      { eventId: 8, kind: 'OrchestrationFailed' },
    ],
  });
  assert.match(JSON.stringify(failure), /no ship/);
  assert.equal(note.eventId, 9);
  assert.equal(history.filter((event) => event.kind === 'OrchestrationFailed').length, 0);
  await assert.rejects(h.client.retryInstance(id), { code: 'CANNOT_REPAIR', message: /completed/ });
});

test('what fails again fails again, as often as it is retried', async (t) => {
  const { state, activities } = flaky();
  const h = await withRuntime(t, { activities, orchestrations });
  const id = await h.launch('Order', 'a');
  for (let n = 0; n < 5; n += 1) {
    failed(await h.wait(id));
    await h.client.retryInstance(id);
  }
  failed(await h.wait(id));
  state.broken = false;
  await h.client.retryInstance(id);
  assert.equal(completed(await h.wait(id)), 'charge a, ship a, ship');
  assert.equal(state.calls.filter((call) => call === 'ship a').length, 7);
  const retried = (await kinds(h, id)).filter((kind) => kind === 'OrchestrationRetried');
  assert.equal(retried.length, 6);
});

test('where code has gone on since the failure, nothing is undone unasked', async (t) => {
  const { state, activities } = flaky();
  const h = await withRuntime(t, { activities, orchestrations });
  const id = await h.launch('Compensates', 'a');
  failed(await h.wait(id));
  state.broken = false;
  const before = await kinds(h, id);
  await assert.rejects(h.client.retryInstance(id), (error) => {
    assert.equal(error.code, 'WOULD_UNDO');
    assert.deepEqual(error.details, {
      instanceId: id,
      executionId: 1,
      events: [{ eventId: 6, kind: 'ActivityScheduled' }],
    });
    return true;
  });
  assert.deepEqual(await kinds(h, id), before);
  assert.equal((await h.client.getStatus(id)).status, 'Failed');
});

test('what was done beside the failure is kept', async (t) => {
  const { state, activities } = flaky();
  const h = await withRuntime(t, { activities, orchestrations });
  const id = await h.launch('Together', 'a');
  assert.match(failed(await h.wait(id)), /no ship/);
  state.broken = false;
  await h.client.retryInstance(id);
  assert.equal(completed(await h.wait(id)), 'ship a and charge a');
  assert.equal(state.calls.filter((call) => call === 'charge a').length, 1);
});

test('a parent that took the failure is repaired together with its child, or neither', async (t) => {
  const { state, activities } = flaky();
  const h = await withRuntime(t, { activities, orchestrations });
  const id = await h.launch('Parent', 'a');
  failed(await h.wait(id));
  await assert.rejects(h.client.retryInstance('a-child'), {
    code: 'CANNOT_REPAIR',
    message: new RegExp(`its parent ${id} has failed because of it`),
  });
  assert.equal((await h.client.getStatus('a-child')).status, 'Failed');
  const both = await h.client.retryInstance('a-child', { parents: true });
  assert.deepEqual(both, { instances: ['a-child', id] });
  failed(await h.wait(id));
  state.broken = false;
  // From above the child goes along.
  assert.deepEqual(await h.client.retryInstance(id), { instances: [id, 'a-child'] });
  assert.equal(completed(await h.wait(id)), 'charge a, ship a, ship by its parent');
  assert.equal(completed(await h.wait('a-child')), 'charge a, ship a, ship');
  assert.equal(state.calls.filter((call) => call === 'charge a').length, 1);
});

test('a cancelled instance and its children go on where they were', async (t) => {
  const h = await withStore(t);
  const family = {
    *Waits(ctx, id) {
      ctx.setCustomStatus('waits');
      return `${id} ${yield ctx.waitForEvent('go')}`;
    },
    *Parent(ctx) {
      const timer = ctx.scheduleTimer(3_600_000);
      const both = ctx.all([
        ctx.scheduleSubOrchestrationWithId('Waits', 'one', 'one'),
        ctx.scheduleSubOrchestrationWithId('Waits', 'two', 'two'),
      ]);
      const { value } = yield ctx.race(both, timer);
      return value.map((result) => result.ok).join(' and ');
    },
  };
  await h.start({ orchestrations: family });
  await h.client.startOrchestration('parent', 'Parent');
  await h.until('one', 'waits');
  await h.until('two', 'waits');
  await h.client.raiseEvent('one', 'go', 'went');
  completed(await h.wait('one'));
  await h.client.cancelInstance('parent', 'by mistake');
  failed(await h.wait('parent'));
  failed(await h.wait('two'));
  const { instances } = await h.client.retryInstance('parent');
  assert.deepEqual(instances, ['parent', 'two']);
  await h.client.raiseEvent('two', 'go', 'too');
  assert.equal(completed(await h.wait('parent')), 'one went and two too');
});

test('an instance that failed because code had changed goes on with code that fits', async (t) => {
  const h = await withStore(t);
  await h.start({ orchestrations: { Waits: orchestrations.Waits } });
  await h.client.startOrchestration('w', 'Waits');
  while (!(await kinds(h, 'w')).includes('ExternalSubscribed'));
  await h.restart({
    orchestrations: {
      *Waits(ctx) {
        yield ctx.scheduleTimer(1);
      },
    },
  });
  await h.client.raiseEvent('w', 'go', 'lost with the end');
  assert.match(failed(await h.wait('w')), /^nondeterministic/);
  await h.restart({ orchestrations: { Waits: orchestrations.Waits } });
  await h.client.retryInstance('w');
  for (const data of ['1', '2']) {
    const before = (await kinds(h, 'w')).length;
    await h.client.raiseEvent('w', 'go', data);
    while ((await kinds(h, 'w')).length === before);
  }
  assert.equal(completed(await h.wait('w')), '1 2');
});

test('code that threw by itself goes on with code that does not', async (t) => {
  const h = await withStore(t);
  const code = (throws) => ({
    *Buggy(ctx) {
      ctx.setValue('a', '1');
      const id = yield ctx.newGuid();
      if (throws) throw new TypeError('a bug');
      return [id.length, ctx.getValue('a')];
    },
  });
  await h.start({ orchestrations: code(true) });
  const id = await h.launch('Buggy');
  assert.match(failed(await h.wait(id)), /a bug/);
  await h.restart({ orchestrations: code(false) });
  await h.client.retryInstance(id);
  assert.deepEqual(completed(await h.wait(id)), [36, '1']);
});

test('after continue-as-new the values are those that the execution began with', async (t) => {
  const { state, activities } = flaky();
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Loops(ctx, round) {
        const seen = ctx.getValue('count') ?? '0';
        ctx.setValue('count', String(Number(seen) + 1));
        if (round < 3) return yield ctx.continueAsNew(round + 1);
        yield ctx.scheduleActivity('ship', `after ${seen}`);
        return ctx.getValue('count');
      },
    },
  });
  const id = await h.launch('Loops', 1);
  const pruned = await h.launch('Loops', 1);
  failed(await h.wait(id));
  failed(await h.wait(pruned));
  await h.client.pruneExecutions(pruned, { keepLast: 1 });
  state.broken = false;
  await h.client.retryInstance(id);
  assert.equal(completed(await h.wait(id)), '3');
  assert.equal(state.calls.filter((call) => call === 'ship after 2').length, 3);
  await assert.rejects(h.client.retryInstance(pruned), {
    code: 'CANNOT_REPAIR',
    message: /deleted/,
  });
});

test('two retries at once are one, and a deleted instance is gone', async (t) => {
  const { state, activities } = flaky();
  const h = await withRuntime(t, { activities, orchestrations });
  const id = await h.launch('Order', 'a');
  failed(await h.wait(id));
  state.broken = false;
  const both = await Promise.allSettled([h.client.retryInstance(id), h.client.retryInstance(id)]);
  assert.equal(completed(await h.wait(id)), 'charge a, ship a, ship');
  assert.ok(both.some((result) => result.status === 'fulfilled'));
  for (const { reason } of both) assert.ok(reason === undefined || reason.code === 'CANNOT_REPAIR');
  assert.equal(state.calls.filter((call) => call === 'ship a').length, 2);
  await h.client.deleteInstance(id);
  await assert.rejects(h.client.retryInstance(id), { code: 'INSTANCE_NOT_FOUND' });
  await h.client.startOrchestration(id, 'Order', 'b');
  assert.equal(completed(await h.wait(id)), 'charge b, ship b, ship');
});

test('bad arguments are refused at the call', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  await assert.rejects(h.client.retryInstance('a', { why: 1 }), TypeError);
  await assert.rejects(h.client.retryInstance('a', { parents: 'yes' }), TypeError);
  await assert.rejects(h.client.retryInstance('a', { reason: 7 }), TypeError);
  const long = { code: 'LIMIT_EXCEEDED' };
  await assert.rejects(h.client.retryInstance('a', { by: 'x'.repeat(4001) }), long);
});

test('two hundred failed instances are retried while others run', async (t) => {
  const { provider } = await openStore(t);
  const h = new Harness(t, provider);
  const { state, activities } = flaky();
  for (let n = 0; n < 2; n += 1) await h.start({ activities, orchestrations });
  const ids = await Promise.all(Array.from({ length: 200 }, () => h.launch('Order', 'x')));
  for (const id of ids) failed(await h.client.waitForOrchestration(id, 3 * PATIENCE_MS));
  state.broken = false;
  await Promise.all(ids.map((id) => h.client.retryInstance(id)));
  for (const id of ids) {
    const status = await h.client.waitForOrchestration(id, 3 * PATIENCE_MS);
    assert.equal(completed(status), 'charge x, ship x, ship');
  }
  assert.equal(state.calls.filter((call) => call === 'charge x').length, 200);
});

test('a process that is killed while it repairs has repaired all of an instance or nothing', async (t) => {
  const { provider, place } = await openStore(t);
  const h = new Harness(t, provider);
  const { state, activities } = flaky();
  await h.start({ activities, orchestrations });
  const ids = await Promise.all(
    Array.from({ length: 60 }, () => h.launch('Parent', `k${h.started}`)),
  );
  for (const id of ids) failed(await h.wait(id));
  await h.runtime.shutdown(PATIENCE_MS);
  let done = 0;
  for (let round = 0; done < ids.length; round += 1) {
    const left = [];
    for (const id of ids) {
      const [own, child] = await Promise.all([kinds(h, id), h.client.getInstanceTree(id)]);
      const childKinds = await kinds(h, child.allIds[1]);
      assert.equal(
        own.includes('OrchestrationRetried'),
        childKinds.includes('OrchestrationRetried'),
      );
      const { status } = await h.client.getStatus(id);
      assert.equal(own.includes('OrchestrationFailed'), status === 'Failed');
      if (status === 'Failed') left.push(id);
    }
    done = ids.length - left.length;
    const file = path.join(__dirname, 'support', 'retrying-child.js');
    const args = [file, JSON.stringify(place), JSON.stringify(left)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    await once(child.stdout, 'data');
    // Later with each round, so that it gets through in the end.
    const timer = setTimeout(() => child.kill('SIGKILL'), 5 * 2 ** round);
    await ended;
    clearTimeout(timer);
  }
  state.broken = false;
  await h.start({ activities, orchestrations });
  for (const id of ids) assert.match(completed(await h.wait(id)), /by its parent$/);
  assert.equal(state.calls.filter((call) => call.startsWith('charge')).length, ids.length);
});
