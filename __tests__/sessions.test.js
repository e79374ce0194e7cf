'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, signal, withRuntime, withStore } = require('./support/harness.js');

const activities = {
  Session: (ctx, input) => `${ctx.sessionId}:${input}`,
  See: (ctx) => ctx.sessionId,
  Plain: (_ctx, input) => `plain:${input}`,
};

/** Runs code as an orchestration and gives its output. */
async function outputOf(t, code, { input, ...setup } = {}) {
  const h = await withRuntime(t, { activities, orchestrations: { Code: code }, ...setup });
  return h.output('Code', input);
}

test('S1 basic: two activities on one session', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const first = yield ctx.scheduleActivityOnSession('Session', 'one', 'my-session');
    const second = yield ctx.scheduleActivityOnSession('Session', 'two', 'my-session');
    return [first, second];
  });
  assert.deepEqual(output, ['my-session:one', 'my-session:two']);
});

test('S2 visibility: the activity sees its session', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    return yield ctx.scheduleActivityOnSession('See', null, 'visible');
  });
  assert.equal(output, 'visible');
});

test('S3 several sessions: A, B, A in sequence', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const results = [];
    for (const session of ['A', 'B', 'A']) {
      results.push(yield ctx.scheduleActivityOnSession('Session', results.length, session));
    }
    return results;
  });
  assert.deepEqual(output, ['A:0', 'B:1', 'A:2']);
});

test('S4 mixed: activities with and without a session', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const on = yield ctx.scheduleActivityOnSession('Session', 1, 's');
    const off = yield ctx.scheduleActivity('Plain', 2);
    return [on, off, yield ctx.scheduleActivityOnSession('Session', 3, 's')];
  });
  assert.deepEqual(output, ['s:1', 'plain:2', 's:3']);
});

test('S5 plain: without a session the activity sees null', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const none = yield ctx.scheduleActivity('See');
    // The empty string means none, too.
    return [none, yield ctx.scheduleActivityOnSession('See', null, '')];
  });
  assert.deepEqual(output, [null, null]);
});

test('S6 same session three times in sequence', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const results = [];
    for (let i = 0; i < 3; i++) {
      results.push(yield ctx.scheduleActivityOnSession('Session', i, 'same'));
    }
    return results;
  });
  assert.deepEqual(output, ['same:0', 'same:1', 'same:2']);
});

test('S7 the session as an option of scheduleActivity', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    return yield ctx.scheduleActivity('See', null, { sessionId: 'by-option' });
  });
  assert.equal(output, 'by-option');
});

test('S8 options: maxSessionsPerRuntime and sessionIdleTimeoutMs are taken', async (t) => {
  const output = await outputOf(
    t,
    function* (ctx) {
      return yield ctx.scheduleActivityOnSession('Session', 1, 'limited');
    },
    { options: { maxSessionsPerRuntime: 5, sessionIdleTimeoutMs: 60000 } },
  );
  assert.equal(output, 'limited:1');
});

test('S9 workerNodeId: sessions work under a stable owner', async (t) => {
  const output = await outputOf(
    t,
    function* (ctx) {
      return yield ctx.scheduleActivityOnSession('Session', 1, 'owned');
    },
    { options: { workerNodeId: 'node-1' } },
  );
  assert.equal(output, 'owned:1');
});

test('S10 join mixed: two on sessions and two plain keep their order', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const results = yield ctx.all([
      ctx.scheduleActivityOnSession('Session', 0, 'a'),
      ctx.scheduleActivity('Plain', 1),
      ctx.scheduleActivityOnSession('Session', 2, 'b'),
      ctx.scheduleActivity('Plain', 3),
    ]);
    return results.map(({ ok }) => ok);
  });
  assert.deepEqual(output, ['a:0', 'plain:1', 'b:2', 'plain:3']);
});

test('S11 join of six: two and two on sessions, two plain', async (t) => {
  const output = await outputOf(
    t,
    function* (ctx) {
      const sessions = ['a', 'b', '', 'a', 'b', ''];
      const tasks = sessions.map((session, n) =>
        session === ''
          ? ctx.scheduleActivity('Plain', n)
          : ctx.scheduleActivityOnSession('Session', n, session),
      );
      return (yield ctx.all(tasks)).map(({ ok }) => ok);
    },
    { options: { workerNodeId: 'node-2' } },
  );
  assert.deepEqual(output, ['a:0', 'b:1', 'plain:2', 'a:3', 'b:4', 'plain:5']);
});

test('S12 a session goes through continue-as-new', async (t) => {
  const output = await outputOf(
    t,
    function* (ctx, iteration) {
      const seen = yield ctx.scheduleActivityOnSession('Session', `iter-${iteration}`, 'tracked');
      return iteration === 0 ? yield ctx.continueAsNew(1) : seen;
    },
    { input: 0 },
  );
  assert.equal(output, 'tracked:iter-1');
});

test('S13 a session goes through a versioned continue-as-new', async (t) => {
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Upgraded(ctx) {
        const first = yield ctx.scheduleActivityOnSession('Session', ctx.orchestrationVersion, 's');
        return yield ctx.continueAsNewVersioned(first, '2.0.0');
      },
    },
    versions: [
      [
        'Upgraded',
        '2.0.0',
        function* (ctx, first) {
          const second = yield ctx.scheduleActivityOnSession(
            'Session',
            ctx.orchestrationVersion,
            's',
          );
          return `${first}|${second}`;
        },
      ],
    ],
  });
  await h.client.startOrchestrationVersioned('up-1', 'Upgraded', null, '1.0.0');
  assert.equal(completed(await h.wait('up-1')), 's:1.0.0|s:2.0.0');
});

test('S14 sessions on SQLite in memory', async (t) => {
  const output = await outputOf(
    t,
    function* (ctx) {
      return yield ctx.scheduleActivityOnSession('See', null, 'in-memory');
    },
    { memory: true },
  );
  assert.equal(output, 'in-memory');
});

test('while both live, one runtime runs all activities of a session', async (t) => {
  const h = await withStore(t);
  const where = { Where: (ctx) => [ctx.sessionId, ctx.workerId] };
  const orchestrations = {
    *Shared(ctx, session) {
      const tasks = [0, 1, 2].map((n) => ctx.scheduleActivityOnSession('Where', n, session));
      return (yield ctx.all(tasks)).map(({ ok }) => ok);
    },
  };
  const setup = { activities: where, orchestrations };
  await h.start({ ...setup, options: { workerNodeId: 'left' } });
  await h.start({ ...setup, options: { workerNodeId: 'right' } });
  const sessions = Array.from({ length: 24 }, (_, n) => `session-${n % 4}`);
  const outputs = await Promise.all(sessions.map((session) => h.output('Shared', session)));
  const owners = new Map();
  for (const [session, worker] of outputs.flat()) {
    assert.match(worker, /^work-.*(left|right)/);
    owners.set(session, (owners.get(session) ?? new Set()).add(worker));
  }
  assert.equal(owners.size, 4);
  for (const [session, workers] of owners) assert.equal(workers.size, 1, session);
});

test('a restarted runtime with the same workerNodeId keeps its sessions', async (t) => {
  const h = await withStore(t);
  const setup = {
    options: { workerNodeId: 'stable' },
    activities: { Where: (ctx) => ctx.workerId },
    orchestrations: {
      *Resumed(ctx) {
        const before = yield ctx.scheduleActivityOnSession('Where', null, 'kept');
        ctx.setCustomStatus('half');
        yield ctx.waitForEvent('go');
        return [before, yield ctx.scheduleActivityOnSession('Where', null, 'kept')];
      },
    },
  };
  await h.start(setup);
  const id = await h.launch('Resumed');
  await h.until(id, 'half');
  await h.restart(setup);
  await h.client.raiseEvent(id, 'go');
  const [before, after] = completed(await h.wait(id));
  assert.equal(before, after);
});

test('a runtime at maxSessionsPerRuntime takes work without a session only', async (t) => {
  const held = signal();
  const order = [];
  const h = await withRuntime(t, {
    options: { maxSessionsPerRuntime: 1, workerConcurrency: 4 },
    activities: {
      async Hold(ctx) {
        order.push(`begin ${ctx.sessionId}`);
        await held.promise;
        order.push(`end ${ctx.sessionId}`);
      },
      Note(ctx, text) {
        order.push(`${text} ${ctx.sessionId}`);
      },
    },
    orchestrations: {
      *Holder(ctx) {
        yield ctx.scheduleActivityOnSession('Hold', null, 'first');
      },
      *Second(ctx) {
        yield ctx.scheduleActivityOnSession('Note', 'ran', 'second');
      },
      *Plain(ctx) {
        yield ctx.scheduleActivity('Note', 'ran');
      },
    },
  });
  const holder = await h.launch('Holder');
  while (order.length === 0) await h.output('Plain');
  const second = await h.launch('Second');
  await h.output('Plain');
  await h.output('Plain');
  assert.equal(order.includes('ran second'), false);
  held.resolve();
  completed(await h.wait(holder));
  completed(await h.wait(second));
  assert.ok(order.indexOf('end first') < order.indexOf('ran second'));
});

test('sessions that are asked for at once do not exceed the limit', async (t) => {
  let running = 0;
  let most = 0;
  const h = await withRuntime(t, {
    options: { maxSessionsPerRuntime: 2, workerConcurrency: 8 },
    activities: {
      async Busy() {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 20));
        running--;
      },
    },
    orchestrations: {
      *Wide(ctx) {
        const sessions = ['a', 'b', 'c', 'd', 'e', 'f'];
        const tasks = sessions.map((session) =>
          ctx.scheduleActivityOnSession('Busy', null, session),
        );
        return (yield ctx.all(tasks)).length;
      },
    },
  });
  assert.equal(await h.output('Wide'), 6);
  assert.ok(most <= 2, `${most} sessions at once`);
});
