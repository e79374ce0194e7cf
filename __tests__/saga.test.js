'use strict';

/** Sagas: what undoes the steps that code has begun. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, withRuntime } = require('./support/harness.js');

/** Activities that say what they did, in an order that a test can look at. */
function recording(did, failing = []) {
  const step = (name) => async (_ctx, input) => {
    did.push(input === undefined || input === null ? name : `${name} ${input}`);
    if (failing.includes(input)) throw new Error(`${input} is broken`);
    return name;
  };
  return { Do: step('do'), Undo: step('undo') };
}

test('a saga undoes what was begun, the last step first, and once', async (t) => {
  const did = [];
  const h = await withRuntime(t, {
    activities: recording(did, ['ship']),
    orchestrations: {
      *Order(ctx) {
        const saga = ctx.saga();
        function* restock() {
          yield ctx.scheduleTimer(1);
          yield ctx.scheduleActivity('Undo', 'pack');
        }
        try {
          saga.add(() => ctx.scheduleActivity('Undo', 'pay'));
          yield ctx.scheduleActivity('Do', 'pay');
          saga.add(restock);
          yield ctx.scheduleActivity('Do', 'pack');
          saga.add(() => {
            did.push('noted');
          });
          saga.add(() => ctx.all([ctx.scheduleActivity('Undo', 'ship'), ctx.scheduleTimer(1)]));
          yield ctx.scheduleActivity('Do', 'ship');
        } catch (error) {
          const before = saga.size;
          yield* saga.compensate();
          yield* saga.compensate();
          return [error.cause.message, before, saga.size];
        }
      },
    },
  });
  assert.deepEqual(await h.output('Order'), ['ship is broken', 4, 0]);
  const once = did.filter((what, at) => what !== 'noted' || did.indexOf(what) === at);
  assert.deepEqual(once, [
    'do pay',
    'do pack',
    'do ship',
    'undo ship',
    'noted',
    'undo pack',
    'undo pay',
  ]);
});

test('every compensation runs, and then those that failed are thrown together', async (t) => {
  const did = [];
  const h = await withRuntime(t, {
    activities: recording(did, ['b', 'd']),
    orchestrations: {
      *Failing(ctx) {
        const saga = ctx.saga();
        saga.add(() => ctx.scheduleActivity('Undo', 'a'));
        saga.add(() => ctx.scheduleActivity('Undo', 'b'));
        saga.add(() => {
          throw new RangeError('c throws');
        });
        saga.add(() => ctx.scheduleActivity('Undo', 'd'));
        saga.add(() => 'nothing to wait for');
        yield* saga.compensate();
      },
    },
  });
  const { status, error, failure } = await h.run('Failing');
  assert.equal(status, 'Failed');
  assert.match(
    error,
    /^AggregateError: 4 compensations failed: a compensation gave .*; .*d is broken/,
  );
  assert.equal(failure.kind, 'application');
  assert.deepEqual(
    failure.errors.map(({ name }) => name),
    ['TypeError', 'ActivityError', 'RangeError', 'ActivityError'],
  );
  assert.deepEqual(did, ['undo d', 'undo b', 'undo a']);
});

test('what is no compensation is refused at once', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Wrong(ctx) {
        const saga = ctx.saga();
        try {
          saga.add(ctx.scheduleTimer(1));
        } catch (error) {
          yield ctx.scheduleTimer(0);
          return [error.name, error.message, saga.size];
        }
      },
      *Empty(ctx) {
        yield* ctx.saga().compensate();
        return 'nothing to do';
      },
    },
  });
  assert.deepEqual(await h.output('Wrong'), [
    'TypeError',
    'compensation must be a function, not an object',
    0,
  ]);
  assert.equal(completed(await h.run('Empty')), 'nothing to do');
});
