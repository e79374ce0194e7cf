'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { withRuntime, withStore, completed } = require('./support/harness.js');

test('E5 timer: it fires, and the code goes on', async (t) => {
  const h = await withRuntime(t, {
    activities: { Finish: () => 'done' },
    orchestrations: {
      *Timed(ctx) {
        const fired = yield ctx.scheduleTimer(100);
        if (fired !== null) throw new Error(`a timer gave ${fired}`);
        return yield ctx.scheduleActivity('Finish');
      },
    },
  });
  assert.equal(await h.output('Timed'), 'done');
});

test('F9 timers and activities alternate', async (t) => {
  const h = await withRuntime(t, {
    activities: { Step: (_ctx, n) => `step:${n}` },
    orchestrations: {
      *Interleaved(ctx) {
        yield ctx.scheduleTimer(20);
        const first = yield ctx.scheduleActivity('Step', 1);
        yield ctx.scheduleTimer(20);
        const second = yield ctx.scheduleActivity('Step', 2);
        return `${first},${second}`;
      },
    },
  });
  assert.equal(await h.output('Interleaved'), 'step:1,step:2');
});

test('F10 a timer of zero completes', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Zero(ctx) {
        yield ctx.scheduleTimer(0);
        return 'done';
      },
    },
  });
  assert.equal(await h.output('Zero'), 'done');
});

test('a timer never fires before its time', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Measured(ctx) {
        const before = yield ctx.utcNow();
        yield ctx.scheduleTimer(60);
        return (yield ctx.utcNow()) - before;
      },
    },
  });
  assert.ok((await h.output('Measured')) >= 60);
});

test('a timer that falls due while no runtime is there fires when one comes', async (t) => {
  const orchestrations = {
    *Asleep(ctx) {
      ctx.setCustomStatus('asleep');
      yield ctx.scheduleTimer(50);
      return 'awake';
    },
  };
  const h = await withStore(t);
  await h.start({ orchestrations });
  const id = await h.launch('Asleep');
  await h.until(id, 'asleep');
  await h.restart({ orchestrations });
  assert.equal(completed(await h.wait(id)), 'awake');
});

test('a very long timer is accepted, and loses a race', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Long(ctx) {
        const { index } = yield ctx.race(ctx.scheduleTimer(2 ** 60), ctx.scheduleTimer(1));
        return index;
      },
    },
  });
  assert.equal(await h.output('Long'), 1);
});
