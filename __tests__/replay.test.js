'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, failed, withRuntime, withStore } = require('./support/harness.js');

const work = {
  First: () => 'first',
  Extra: () => 'extra',
  Second: (_ctx, text) => `second:${text}`,
};

function* waiting(ctx) {
  const first = yield ctx.scheduleActivity('First');
  ctx.setCustomStatus('waiting');
  yield ctx.waitForEvent('go');
  return yield ctx.scheduleActivity('Second', first);
}

/** Lets the first code reach its wait, restarts with the second, and raises the event. */
async function changeCode(t, before, after) {
  const h = await withStore(t);
  await h.start({ activities: work, orchestrations: { Changing: before } });
  const id = await h.launch('Changing');
  await h.until(id, 'waiting');
  await h.restart({ activities: work, orchestrations: { Changing: after } });
  await h.client.raiseEvent(id, 'go');
  return h.wait(id);
}

test('F19 type swap: a timer where history has an activity fails the instance', async (t) => {
  const status = await changeCode(t, waiting, function* (ctx) {
    yield ctx.scheduleTimer(10);
    ctx.setCustomStatus('waiting');
    yield ctx.waitForEvent('go');
    return 'changed';
  });
  assert.match(failed(status), /^nondeterministic: /);
});

test('F20 an extra activity before the wait fails the instance', async (t) => {
  const status = await changeCode(t, waiting, function* (ctx) {
    yield ctx.scheduleActivity('First');
    yield ctx.scheduleActivity('Extra');
    ctx.setCustomStatus('waiting');
    yield ctx.waitForEvent('go');
    return 'changed';
  });
  assert.match(failed(status), /^nondeterministic: /);
});

test('unchanged code goes on after a restart', async (t) => {
  assert.equal(completed(await changeCode(t, waiting, waiting)), 'second:first');
});

test('E21a the status getter reads the same in each replay', async (t) => {
  const h = await withRuntime(t, {
    activities: work,
    orchestrations: {
      *Getter(ctx) {
        assert.equal(ctx.getCustomStatus(), null);
        ctx.setCustomStatus('step-1');
        assert.equal(ctx.getCustomStatus(), 'step-1');
        yield ctx.scheduleActivity('First');
        assert.equal(ctx.getCustomStatus(), 'step-1');
        ctx.setCustomStatus('step-2');
        return ctx.getCustomStatus();
      },
    },
  });
  const status = await h.run('Getter');
  assert.equal(completed(status), 'step-2');
  assert.equal(status.customStatus, 'step-2');
});

test('K3 read-modify-write: a replay does not see later writes', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    activities: work,
    orchestrations: {
      *Counting(ctx) {
        for (let i = 0; i < 3; i++) {
          const count = Number(ctx.getValue('count') ?? 0);
          yield ctx.scheduleActivity('First');
          ctx.setValue('count', count + 1);
        }
        return ctx.getValue('count');
      },
    },
  });
  const id = await h.launch('Counting');
  assert.equal(completed(await h.wait(id)), '3');
  assert.equal(await h.client.getValue(id, 'count'), '3');
});

test('every construct replays to the same end after a restart', async (t) => {
  const orchestrations = {
    *Child(ctx, n) {
      yield ctx.scheduleTimer(1);
      return n * 2;
    },
    *Everything(ctx) {
      const log = [];
      log.push(yield ctx.scheduleActivity('First'));
      log.push((yield ctx.newGuid()).length, typeof (yield ctx.utcNow()));
      log.push(yield ctx.all([ctx.scheduleTimer(1), ctx.scheduleSubOrchestration('Child', 2)]));
      log.push(yield ctx.race(ctx.scheduleTimer(60000), ctx.scheduleActivity('Extra')));
      log.push(
        yield ctx.scheduleActivityWithRetry('Second', 1, { maxAttempts: 2, timeoutMs: 9999 }),
      );
      yield ctx.startOrchestration('Child', `${ctx.instanceId}-detached`, 4);
      ctx.setValue('k', 'v');
      log.push((yield ctx.race(ctx.dequeueEvent('q'), ctx.scheduleTimer(1))).index);
      log.push(
        yield ctx.all([
          (function* () {
            const first = yield ctx.scheduleActivity('First');
            return yield ctx.scheduleActivity('Second', first);
          })(),
          ctx.race(ctx.waitForEvent('never'), ctx.scheduleTimer(1)),
        ]),
      );
      ctx.setCustomStatus('waiting');
      log.push(yield ctx.waitForEvent('go'));
      log.push(ctx.getValue('k'), ctx.isReplaying);
      return log;
    },
  };
  const h = await withStore(t);
  await h.start({ activities: work, orchestrations });
  const id = await h.launch('Everything');
  await h.until(id, 'waiting');
  for (let i = 0; i < 2; i++) await h.restart({ activities: work, orchestrations });
  await h.client.raiseEvent(id, 'go', 'gone');
  assert.deepEqual(completed(await h.wait(id)), [
    'first',
    36,
    'number',
    [{ ok: null }, { ok: 4 }],
    { index: 1, value: 'extra' },
    'second:1',
    1,
    [{ ok: 'second:first' }, { ok: { index: 1, value: null } }],
    'gone',
    'v',
    false,
  ]);
  assert.equal(completed(await h.wait(`${id}-detached`)), 8);
});

test('an activity that had completed does not run again after a restart', async (t) => {
  let runs = 0;
  const activities = {
    ...work,
    First: () => {
      runs++;
      return 'first';
    },
  };
  const h = await withStore(t);
  await h.start({ activities, orchestrations: { Changing: waiting } });
  const id = await h.launch('Changing');
  await h.until(id, 'waiting');
  await h.restart({ activities, orchestrations: { Changing: waiting } });
  await h.client.raiseEvent(id, 'go');
  completed(await h.wait(id));
  assert.equal(runs, 1);
});

test('a divergence names the instance, both sides, and what to do', async (t) => {
  const setup = (changed) => ({
    activities: { Charge: (_ctx, order) => order },
    versions: [
      [
        'Order',
        '1.2.0',
        function* (ctx, order) {
          yield ctx.scheduleActivity('Charge', order);
          yield changed ? ctx.scheduleTimer(1) : ctx.scheduleActivity('Charge', 'again');
          ctx.setCustomStatus('waiting');
          yield ctx.waitForEvent('go');
        },
      ],
    ],
  });
  const h = await withStore(t);
  await h.start(setup(false));
  const id = await h.launch('Order', 'first');
  await h.until(id, 'waiting');
  await h.restart(setup(true));
  await h.client.raiseEvent(id, 'go');
  const error = failed(await h.wait(id));
  assert.ok(
    error.startsWith(
      'nondeterministic: schedule mismatch: action=timer vs ' +
        `event=activity 'Charge' with input "again" ` +
        `(Order 1.2.0, instance ${id}, execution 1, event 4)`,
    ),
    error,
  );
  assert.match(error, /restore the order of its steps, or register the new code as a new version$/);
  await assert.rejects(h.client.waitForOrchestrationTyped(id), {
    name: 'NondeterminismError',
    code: 'NONDETERMINISM',
  });
});

test('a divergence names the place in the code that does not fit', async (t) => {
  const here = () => Number(/replay\.test\.js:(\d+)/.exec(new Error().stack.split('\n')[2])[1]);
  let line;
  const status = await changeCode(t, waiting, function* (ctx) {
    line = here() + 1;
    yield ctx.scheduleTimer(1);
    yield ctx.waitForEvent('go');
  });
  const place = new RegExp(
    `; the action was asked for at .*replay\\.test\\.js:${line}:\\d+\\. The`,
  );
  assert.match(failed(status), place);
});
