'use strict';

/** Instances that have a time limit: from when they are due, over all that happens to them. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createTestEnvironment } = require('duroxide/testing');
const { PATIENCE_MS, completed, withRuntime, withStore } = require('./support/harness.js');

const HOUR_MS = 3_600_000;
const BEGIN = '2026-03-01T08:00:00Z';
const BEGIN_MS = Date.parse(BEGIN);
const LIMIT = { executionTimeoutMs: HOUR_MS };

function* Waits(ctx) {
  return yield ctx.waitForEvent('go');
}

/** Cleans up when it is told to stop, and says what it was told. */
function* Cleans(ctx) {
  try {
    yield ctx.waitForEvent('go');
  } catch (error) {
    ctx.setCustomStatus(`${error.name}: ${error.message}`);
    yield ctx.scheduleTimer(1000);
    throw error;
  }
}

function* Rounds(ctx, round) {
  yield ctx.scheduleTimer(HOUR_MS / 4);
  return yield ctx.continueAsNew(round + 1);
}

function* Parent(ctx) {
  return yield ctx.scheduleSubOrchestrationWithId('Waits', 'child');
}

function* Fails(ctx) {
  yield ctx.scheduleTimer(HOUR_MS / 2);
  throw new Error('no');
}

function* Returns() {
  yield* [];
  return 'done';
}

async function environment(t) {
  const register = (runtime) => {
    for (const code of [Waits, Rounds, Parent, Fails, Returns]) {
      runtime.registerOrchestration(code.name, code);
    }
    runtime.registerOrchestration('Cleans', Cleans, { cancelGraceMs: HOUR_MS });
  };
  const env = await createTestEnvironment({ startTime: BEGIN, register });
  t.after(() => env.close());
  return env;
}

/** What is left of a failure: an instance whose time was over. */
async function timedOut(client, id) {
  const { status, failure, error } = await client.waitForOrchestration(id, PATIENCE_MS);
  assert.equal(status, 'Failed', id);
  assert.equal(failure.kind, 'timeout', error);
  assert.equal(failure.code, 'TIMEOUT');
  assert.match(error, /^timed out: the instance has not ended within \d+ ms$/);
}

async function timeoutAt(client, id) {
  const info = await client.getInstanceInfo(id);
  assert.equal((await client.describe(id)).timeoutAt, info.timeoutAt);
  return info.timeoutAt;
}

test('an instance is over with its time, and its info says when', async (t) => {
  const env = await environment(t);
  const { client } = env;
  const waits = await client.start('Waits', 'w', null, LIMIT);
  assert.equal(await timeoutAt(client, 'w'), BEGIN_MS + HOUR_MS);
  await env.advance(HOUR_MS - 1);
  assert.equal((await waits.status()).status, 'Running');
  assert.equal(await timeoutAt(client, 'w'), BEGIN_MS + HOUR_MS);
  await env.advance(1);
  await timedOut(client, 'w');
  assert.equal(await timeoutAt(client, 'w'), undefined);
  await assert.rejects(waits.result(), (error) => {
    assert.equal(error.name, 'OrchestrationError');
    return error.failure.kind === 'timeout';
  });
});

test('its code is told, and has the grace that it is registered with', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.start('Cleans', 'c', null, LIMIT);
  await env.advance(HOUR_MS);
  const told = await client.getStatus('c');
  assert.match(told.customStatus, /^CancelledError: .*has not ended within 3600000 ms/);
  assert.equal(told.cancelling.since, BEGIN_MS + HOUR_MS);
  await env.advance(1000);
  await timedOut(client, 'c');
});

test('it is one limit over continue-as-new', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.start('Rounds', 'r', 1, LIMIT);
  await env.advance(HOUR_MS - 1);
  assert.equal((await client.getInstanceInfo('r')).currentExecutionId, 4);
  assert.equal(await timeoutAt(client, 'r'), BEGIN_MS + HOUR_MS);
  await env.advance(1);
  await timedOut(client, 'r');
});

test('children have none, and are cancelled with their parent', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.start('Parent', 'p', null, LIMIT);
  await env.advance(1);
  assert.equal(await timeoutAt(client, 'child'), undefined);
  await env.advance(HOUR_MS);
  await timedOut(client, 'p');
  const child = await client.waitForOrchestration('child');
  assert.equal(child.failure.kind, 'cancelled');
});

test('it counts from when a delayed start is due, and brings that not forward', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.start('Waits', 'd', null, { ...LIMIT, startAfterMs: HOUR_MS });
  await client.start('Waits', 'x', null, { ...LIMIT, startAfterMs: HOUR_MS });
  const { startAt } = await client.getInstanceInfo('d');
  assert.equal(startAt, BEGIN_MS + HOUR_MS);
  assert.equal(await timeoutAt(client, 'd'), startAt + HOUR_MS);
  assert.equal((await client.getInstanceInfo('d')).startAt, startAt);
  // A cancellation ends it at once, and not its limit.
  await client.cancelInstance('x', 'why');
  await env.advance(1);
  assert.equal((await client.waitForOrchestration('x')).failure.kind, 'cancelled');
  await env.advance(2 * HOUR_MS - 2);
  assert.equal((await client.getStatus('d')).status, 'Running');
  await env.advance(1);
  await timedOut(client, 'd');
});

test('one that nobody can run ends too', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.start('Unknown', 'u', null, LIMIT);
  await client.start('Waits', 'v', null, { ...LIMIT, version: '9.0.0' });
  await env.advance(HOUR_MS - 1);
  assert.equal((await client.getStatus('u')).status, 'Running');
  await env.advance(1);
  await timedOut(client, 'u');
  await timedOut(client, 'v');
});

test('who has ended leaves nothing, and who lives there next is not meant', async (t) => {
  const env = await environment(t);
  const { client } = env;
  for (const id of ['again', 'deleted', 'terminated']) {
    await client.start(id === 'again' ? 'Returns' : 'Waits', id, null, LIMIT);
  }
  await env.advance(1);
  await client.waitForOrchestration('again');
  await client.terminateInstance('terminated', 'why');
  await env.advance(1);
  await client.waitForOrchestration('terminated');
  assert.equal(await timeoutAt(client, 'again'), undefined);
  assert.equal((await client.describe('again')).sizes.messages, 0);
  assert.equal((await client.describe('terminated')).sizes.messages, 0);
  await client.deleteInstance('deleted', true);
  const restart = { ifExists: 'restartIfEnded' };
  for (const id of ['again', 'deleted', 'terminated'])
    await client.start('Waits', id, null, restart);
  await env.advance(2 * HOUR_MS);
  for (const id of ['again', 'deleted', 'terminated']) {
    assert.equal((await client.getStatus(id)).status, 'Running', id);
  }
});

test('what exists keeps its own', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.start('Waits', 'w', null, LIMIT);
  await client.start('Waits', 'free');
  await env.advance(1);
  await client.start('Waits', 'w', null, { executionTimeoutMs: 1 });
  await client.start('Waits', 'free', null, LIMIT);
  assert.equal(await timeoutAt(client, 'w'), BEGIN_MS + HOUR_MS);
  assert.equal(await timeoutAt(client, 'free'), undefined);
  await env.advance(HOUR_MS);
  await timedOut(client, 'w');
  assert.equal((await client.getStatus('free')).status, 'Running');
});

test('a retry, a rewind and a fork begin it anew', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.start('Fails', 'f', null, LIMIT);
  await client.start('Waits', 'w', null, LIMIT);
  await env.advance(HOUR_MS / 2);
  assert.equal((await client.waitForOrchestration('f')).failure.kind, 'application');
  await client.rewindInstance('w', { toEvent: { execution: 1, event: 1 }, acceptUndo: true });
  assert.equal(await timeoutAt(client, 'w'), BEGIN_MS + 1.5 * HOUR_MS);
  await env.advance(HOUR_MS - 1);
  assert.equal((await client.getStatus('w')).status, 'Running');
  await env.advance(1);
  await timedOut(client, 'w');
  await client.retryInstance('w');
  await client.forkInstance('w', 'other');
  for (const id of ['w', 'other']) {
    assert.equal(await timeoutAt(client, id), BEGIN_MS + 2.5 * HOUR_MS, id);
  }
  await client.raiseEvent('w', 'go', 'at last');
  await env.advance(1);
  assert.equal(completed(await client.waitForOrchestration('w')), 'at last');
  assert.equal((await client.describe('w')).sizes.messages, 0);
  await env.advance(HOUR_MS);
  await timedOut(client, 'other');
});

test('a retried child leaves the limit of its parent as it is', async (t) => {
  const h = await withRuntime(t, {
    activities: { work: () => Promise.reject(new Error('not yet')) },
    orchestrations: {
      *Above(ctx) {
        const [{ err }] = yield ctx.all([ctx.scheduleSubOrchestrationWithId('Below', 'b')]);
        ctx.setCustomStatus(err ? 'told' : 'well');
        return yield ctx.waitForEvent('go');
      },
      *Below(ctx) {
        return yield ctx.scheduleActivity('work');
      },
    },
  });
  await h.client.start('Above', 'a', null, LIMIT);
  await h.until('a', 'told');
  const at = (await h.client.getInstanceInfo('a')).timeoutAt;
  await assert.rejects(h.client.retryInstance('b'), { code: 'CANNOT_REPAIR' });
  await h.client.terminateInstance('a', 'enough');
  await h.wait('a');
  await h.client.retryInstance('a');
  assert.ok((await h.client.getInstanceInfo('a')).timeoutAt >= at);
});

test('it ends what is held, without its code', async (t) => {
  const h = await withStore(t);
  const deployed = (code) => ({
    orchestrations: { Order: code },
    options: { onNondeterminism: 'hold', codeId: code.name },
  });
  await h.start(deployed(Waits));
  await h.client.start('Order', 'o', null, { executionTimeoutMs: 6000 });
  await h.listens('o', 'go');
  await h.restart(
    deployed(function* broken(ctx) {
      yield ctx.scheduleTimer(HOUR_MS);
    }),
  );
  await h.client.raiseEvent('o', 'other');
  await timedOut(h.client, 'o');
});

test('it outlasts the process, and is kept by whoever runs the instance then', async (t) => {
  const h = await withStore(t);
  const setup = {
    register: (runtime) => {
      runtime.registerOrchestration('Waits', Waits);
      runtime.registerOrchestration('Cleans', Cleans, { cancelGraceMs: 10 * PATIENCE_MS });
    },
  };
  await h.start(setup);
  const soon = { executionTimeoutMs: 5000 };
  for (const id of ['w', 'c'])
    await h.client.start(id === 'w' ? 'Waits' : 'Cleans', id, null, soon);
  for (const id of ['w', 'c']) await h.listens(id, 'go');
  await h.restart(setup);
  await timedOut(h.client, 'w');
  await timedOut(h.client, 'c');
});

test('a limit that makes no sense is refused', async (t) => {
  const { client } = await environment(t);
  const start = (executionTimeoutMs) => client.start('Waits', 'w', null, { executionTimeoutMs });
  for (const bad of [0, -1, 1.5]) await assert.rejects(start(bad), RangeError);
  await assert.rejects(start('1h'), /options.executionTimeoutMs must be a number/);
  await start(Number.MAX_SAFE_INTEGER);
  assert.ok((await timeoutAt(client, 'w')) > BEGIN_MS + 1e11);
});
