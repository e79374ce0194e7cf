'use strict';

/**
 * Changes of code, each with the orchestration before and after, and whether instances that were begun
 * before go on afterwards. All wait for an event at the end.
 */

const a = (ctx, input = 1) => ctx.scheduleActivity('a', input);
const b = (ctx) => ctx.scheduleActivity('b', 1);

/** Two steps, each of which can be another one. */
const steps = (first, second) =>
  function* (ctx) {
    yield first(ctx);
    yield second(ctx);
    yield ctx.waitForEvent('go');
  };

/** One step that leaves no event of its own answer. */
const step = (act) =>
  function* (ctx) {
    yield a(ctx);
    act(ctx);
    yield ctx.waitForEvent('go');
  };

const child = (name, input) => (ctx) => ctx.scheduleSubOrchestration(name, input);
const named = (id) => (ctx) =>
  ctx.scheduleSubOrchestrationWithId('Child', `${ctx.instanceId}-${id}`, 1);
const detached = (id, input) =>
  function* (ctx) {
    yield ctx.startOrchestration('Child', `${ctx.instanceId}-${id}`, input);
    yield ctx.waitForEvent('go');
  };
const rounds = (n) =>
  function* (ctx) {
    for (let i = 0; i < n; i += 1) yield a(ctx, i);
    yield ctx.waitForEvent('go');
  };

const before = steps(a, b);

/** @type {Record<string, { grade: 'same' | 'differs' | 'diverges', before: any, after: any }>} */
const CHANGES = {
  'a step is inserted': {
    grade: 'diverges',
    before,
    *after(ctx) {
      yield a(ctx);
      yield a(ctx);
      yield b(ctx);
      yield ctx.waitForEvent('go');
    },
  },
  'a step is removed': {
    grade: 'diverges',
    before,
    *after(ctx) {
      yield b(ctx);
      yield ctx.waitForEvent('go');
    },
  },
  'steps are reordered': { grade: 'diverges', before, after: steps(b, a) },
  'an activity is renamed': {
    grade: 'diverges',
    before,
    after: steps(a, (ctx) => ctx.scheduleActivity('c', 1)),
  },
  'an activity becomes a timer': {
    grade: 'diverges',
    before,
    after: steps(a, (ctx) => ctx.scheduleTimer(1)),
  },
  'an activity becomes a child': { grade: 'diverges', before, after: steps(a, child('Child', 1)) },
  'race becomes all': {
    grade: 'diverges',
    before: steps((ctx) => ctx.race(a(ctx), ctx.waitForEvent('never')), b),
    after: steps((ctx) => ctx.all([a(ctx), ctx.waitForEvent('never')]), b),
  },
  'all becomes race': {
    grade: 'diverges',
    before: steps((ctx) => ctx.all([a(ctx), b(ctx)]), b),
    after: steps((ctx) => ctx.race(a(ctx), b(ctx)), b),
  },
  'steps run side by side': {
    grade: 'diverges',
    before,
    *after(ctx) {
      yield ctx.all([a(ctx), b(ctx)]);
      yield ctx.waitForEvent('go');
    },
  },
  'steps run one after another': {
    grade: 'diverges',
    *before(ctx) {
      yield ctx.all([a(ctx), b(ctx)]);
      yield ctx.waitForEvent('go');
    },
    after: before,
  },
  'an earlier return': {
    grade: 'diverges',
    before,
    *after(ctx) {
      yield a(ctx);
    },
  },
  'an earlier throw': {
    grade: 'diverges',
    before,
    *after(ctx) {
      yield a(ctx);
      throw new Error('no');
    },
  },
  'continueAsNew instead of going on': {
    grade: 'diverges',
    before,
    *after(ctx) {
      yield a(ctx);
      yield ctx.continueAsNew(1);
    },
  },
  'another branch is taken': {
    grade: 'diverges',
    *before(ctx) {
      const got = yield a(ctx);
      yield got === 1 ? b(ctx) : a(ctx);
      yield ctx.waitForEvent('go');
    },
    *after(ctx) {
      const got = yield a(ctx);
      yield got === 1 ? a(ctx) : b(ctx);
      yield ctx.waitForEvent('go');
    },
  },
  'a loop has fewer rounds': { grade: 'diverges', before: rounds(3), after: rounds(2) },
  'a loop has more rounds': { grade: 'diverges', before: rounds(2), after: rounds(3) },
  'another event': {
    grade: 'diverges',
    before,
    *after(ctx) {
      yield a(ctx);
      yield b(ctx);
      yield ctx.waitForEvent('begin');
    },
  },
  'another queue': {
    grade: 'diverges',
    *before(ctx) {
      yield ctx.dequeueEvent('jobs');
    },
    *after(ctx) {
      yield ctx.dequeueEvent('work');
    },
  },
  'a child is renamed': {
    grade: 'diverges',
    before: steps(a, child('Child', 1)),
    after: steps(a, child('Kid', 1)),
  },
  'a child gets another id': {
    grade: 'diverges',
    before: steps(a, named('x')),
    after: steps(a, named('y')),
  },
  'a detached start gets another id': {
    grade: 'diverges',
    before: detached('x', 1),
    after: detached('y', 1),
  },
  'another key': {
    grade: 'diverges',
    before: step((ctx) => ctx.setValue('k', 1)),
    after: step((ctx) => ctx.setValue('l', 1)),
  },
  'a value is not set any more': {
    grade: 'diverges',
    before: step((ctx) => ctx.setValue('k', 1)),
    after: step(() => {}),
  },
  'another system call': {
    grade: 'diverges',
    before: steps(a, (ctx) => ctx.utcNow()),
    after: steps(a, (ctx) => ctx.newGuid()),
  },
  'another input': { grade: 'differs', before, after: steps((ctx) => a(ctx, 2), b) },
  'another input of a child': {
    grade: 'differs',
    before: steps(a, child('Child', 1)),
    after: steps(a, child('Child', 2)),
  },
  'another input of a detached start': {
    grade: 'differs',
    before: detached('x', 1),
    after: detached('x', 2),
  },
  'another value': {
    grade: 'differs',
    before: step((ctx) => ctx.setValue('k', 1)),
    after: step((ctx) => ctx.setValue('k', 2)),
  },
  'another status': {
    grade: 'differs',
    before: step((ctx) => ctx.setCustomStatus('paid')),
    after: step((ctx) => ctx.setCustomStatus('Paid')),
  },
  'the order of the keys of an input': {
    grade: 'same',
    before: steps((ctx) => a(ctx, { x: 1, y: 2 }), b),
    after: steps((ctx) => a(ctx, { y: 2, x: 1 }), b),
  },
  'the time of a timer': {
    grade: 'same',
    before: steps((ctx) => ctx.scheduleTimer(1), b),
    after: steps((ctx) => ctx.scheduleTimer(60_000), b),
  },
  'what comes after the wait': {
    grade: 'same',
    before,
    *after(ctx) {
      yield* before(ctx);
      return yield a(ctx);
    },
  },
  'try around steps': {
    grade: 'same',
    before,
    *after(ctx) {
      try {
        yield* before(ctx);
      } catch {
        yield b(ctx);
      }
    },
  },
  'steps move into a function': {
    grade: 'same',
    before,
    *after(ctx) {
      function* both() {
        yield a(ctx);
        return yield b(ctx);
      }
      yield* both();
      ctx.traceInfo('waiting');
      yield ctx.waitForEvent('go');
    },
  },
  nothing: { grade: 'same', before, after: before },
};

/** Registers the code before or after the changes, and what it calls. */
function register(runtime, when) {
  for (const [name, change] of Object.entries(CHANGES)) {
    runtime.registerOrchestration(name, change[when]);
  }
  runtime.registerOrchestration('Child', function* (_ctx, input) {
    return input;
  });
  for (const name of ['a', 'b']) runtime.registerActivity(name, (_ctx, input) => input);
}

module.exports = { CHANGES, register };
