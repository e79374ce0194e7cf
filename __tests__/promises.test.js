'use strict';

/**
 * A promise that is given where none may be, and that rejects: whoever gave it gets an error, and
 * the process goes on.
 */

const assert = require('node:assert/strict');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { test } = require('node:test');
const { completed, failed, withRuntime } = require('./support/harness.js');

/** Runs a body; gives the reasons of the rejections that nobody handled meanwhile. */
async function unhandledDuring(body) {
  const reasons = [];
  const take = (reason) => reasons.push(String(reason));
  process.on('unhandledRejection', take);
  try {
    await body();
    // They are reported when the microtasks of a turn are done.
    await nextTurn();
    await nextTurn();
  } finally {
    process.off('unhandledRejection', take);
  }
  return reasons;
}

const rejects = async () => {
  throw new Error('nobody may wait for this');
};

/** What code may do with a promise by mistake, and what it is told. */
const MISTAKES = {
  *yields() {
    yield rejects();
  },
  *yieldsSeveral() {
    yield [rejects(), rejects()];
  },
  *all(ctx) {
    yield ctx.all([ctx.scheduleTimer(1), rejects(), rejects()]);
  },
  *race(ctx) {
    yield ctx.race(rejects(), rejects());
  },
  *any(ctx) {
    yield ctx.any([rejects()]);
  },
  *allSettled(ctx) {
    yield ctx.allSettled([rejects()]);
  },
  *notAnArray(ctx) {
    yield ctx.all(rejects());
  },
  *branch(ctx) {
    const branch = (function* () {
      yield rejects();
    })();
    throw new TypeError((yield ctx.race(branch)).value);
  },
  *added(ctx) {
    const task = ctx.all([]);
    task.tasks.push(rejects());
    yield task;
  },
  *input(ctx) {
    yield ctx.scheduleActivity('Echo', rejects());
  },
  *name(ctx) {
    yield ctx.scheduleActivity(rejects(), 1);
  },
  *event(ctx) {
    yield ctx.waitForEvent(rejects());
  },
  *delay(ctx) {
    yield ctx.scheduleTimer(rejects());
  },
  *child(ctx) {
    yield ctx.scheduleSubOrchestration('yields', rejects());
  },
  *successor(ctx) {
    yield ctx.continueAsNew(rejects());
  },
  *status(ctx) {
    ctx.setCustomStatus(rejects());
  },
  *value(ctx) {
    ctx.setValue('key', rejects());
  },
  *returns() {
    return rejects();
  },
  *ofAnotherClass() {
    class Odd extends Promise {
      static get [Symbol.species]() {
        throw new Error('none of that');
      }
    }
    yield Odd.resolve();
  },
};

test('a promise that code gives by mistake fails the instance, not the process', async (t) => {
  const h = await withRuntime(t, {
    activities: { Echo: (_, value) => value },
    orchestrations: MISTAKES,
  });
  const unhandled = await unhandledDuring(async () => {
    for (const name of Object.keys(MISTAKES)) {
      assert.match(failed(await h.run(name)), /^TypeError: .*\b(promise|array|race)\b/, name);
    }
  });
  assert.deepEqual(unhandled, []);
});

test('code that catches the error goes on', async (t) => {
  const h = await withRuntime(t, {
    activities: { Echo: (_, value) => value },
    orchestrations: {
      *Careful(ctx) {
        try {
          yield rejects();
        } catch (error) {
          return `${error.message} ${yield ctx.scheduleActivity('Echo', 'then')}`;
        }
      },
      *Thrown() {
        throw rejects();
      },
    },
  });
  const unhandled = await unhandledDuring(async () => {
    assert.match(completed(await h.run('Careful')), /yielded a promise.*activity.* then$/);
    assert.equal(failed(await h.run('Thrown')), '[object Promise]');
  });
  assert.deepEqual(unhandled, []);
});

test('a client refuses promises, too', async (t) => {
  const h = await withRuntime(t, { orchestrations: { *Code() {} } });
  const unhandled = await unhandledDuring(async () => {
    for (const call of [
      () => h.client.startOrchestration('a', 'Code', rejects()),
      () => h.client.startOrchestration(rejects(), 'Code'),
      () => h.client.raiseEvent('a', 'go', rejects()),
      () => h.client.waitForOrchestration('a', rejects()),
    ]) {
      await assert.rejects(call, { name: 'TypeError', message: /a promise/ });
    }
  });
  assert.deepEqual(unhandled, []);
});
