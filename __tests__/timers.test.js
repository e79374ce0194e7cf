'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createTestEnvironment } = require('../lib/testing/testing.js');
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

test('a timer of a moment waits until then, and one that is over ends at once', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Moment(ctx) {
        const begun = yield ctx.utcNow();
        yield ctx.scheduleTimerAt(new Date(begun + 80));
        const late = (yield ctx.utcNow()) - begun - 80;
        yield ctx.scheduleTimerAt('1999-12-31T23:59:59Z');
        const { index } = yield ctx.race(
          ctx.scheduleTimerAt('9999-01-01'),
          ctx.scheduleTimerAt(begun),
        );
        return { isEarly: late < 0, index };
      },
    },
  });
  assert.deepEqual(await h.output('Moment'), { isEarly: false, index: 1 });
});

test('the time of a moment is recorded to the millisecond, and meant by every replay', async (t) => {
  const env = await createTestEnvironment({
    startTime: '2030-01-01T00:00:00.123Z',
    orchestrations: {
      *Twice(ctx) {
        yield ctx.scheduleTimerAt('2030-03-31T02:30:00.001+01:00');
        yield ctx.scheduleTimerAt(new Date('2031-02-28'));
        return new Date(yield ctx.utcNow());
      },
    },
    chaos: ['replay'],
  });
  t.after(() => env.close());
  const handle = await env.start('Twice');
  await env.advanceTo('2030-03-31T01:29:59.999Z');
  assert.match(await env.client.exportHistory('Twice-1'), /"fireAtMs":1901151000001/);
  assert.equal(await handle.result(), '2031-02-28T00:00:00.000Z');
});

test('what is no moment is refused at the call', async (t) => {
  const wrong = [
    undefined,
    null,
    'tomorrow',
    '2030-01-31T02:00:00',
    '2030-02-31T25:00Z',
    Number.NaN,
    new Date('x'),
    [5],
    '31/01/2030',
  ];
  const h = await withRuntime(t, {
    orchestrations: {
      *Wrong(ctx) {
        return wrong.map((date) => {
          try {
            return ctx.scheduleTimerAt(date).type;
          } catch (error) {
            return `${error.name}: ${error.message}`;
          }
        });
      },
    },
  });
  for (const text of await h.output('Wrong')) {
    assert.match(
      text,
      /^TypeError: date must be a Date, a number of milliseconds since 1970, or a/,
    );
  }
});
