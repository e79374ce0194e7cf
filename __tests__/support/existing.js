'use strict';

/**
 * What lives in the stores of __tests__/testdata/existing, and how all of it must end. Those stores
 * were left by processes that were killed; make-existing.js says how. What is here may not change in
 * a way that code of running instances may not change.
 */

const OLD = 'old';

/** Says that the instance has come to the point at which its store was left, and what it knows. */
function here(ctx, what = 'here') {
  ctx.setCustomStatus(what);
}

/** Of one version each. */
const ORCHESTRATIONS = {
  *Chain(ctx, keys) {
    const results = [];
    for (const key of keys) results.push(yield ctx.scheduleActivity('step', key));
    return results;
  },
  *Refused(ctx) {
    yield ctx.scheduleActivity('refuse');
  },
  /** Waits for an event and gives what it said. */
  *Waiter(ctx, input) {
    const before = yield ctx.scheduleActivity('step', input);
    here(ctx);
    const heard = yield ctx.waitForEvent('go');
    return { before, heard };
  },
  *Sleeper(ctx, ms) {
    const began = yield ctx.utcNow();
    here(ctx);
    yield ctx.scheduleTimer(ms);
    const ended = yield ctx.utcNow();
    return ended - began >= ms;
  },
  *Parent(ctx) {
    const first = yield ctx.scheduleSubOrchestration('Chain', ['child']);
    here(ctx);
    const rest = yield ctx.all([
      ctx.scheduleSubOrchestration('Sleeper', 30_000),
      ctx.scheduleSubOrchestrationWithId('Waiter', `${ctx.instanceId}-named`, 'named'),
      ctx.scheduleSubOrchestration('Middle'),
      // Its code was missing: the start is stored, and has not run.
      ctx.scheduleSubOrchestration('LateChild', 'late'),
      ctx.scheduleActivity('hold', 'parent'),
    ]);
    return [first, ...rest];
  },
  *Middle(ctx) {
    return { middle: yield ctx.scheduleSubOrchestration('Waiter', 'grandchild') };
  },
  /** Another process has run the child: the answer is stored, and was not taken. */
  *Answered(ctx) {
    here(ctx);
    const id = `${ctx.instanceId}-child`;
    return yield ctx.scheduleSubOrchestrationWithId('Elsewhere', id, 'answer');
  },
  *Queue(ctx) {
    const first = yield ctx.dequeueEvent('work');
    here(ctx);
    yield ctx.waitForEvent('go');
    const rest = [];
    for (let n = 0; n < 3; n++) rest.push(yield ctx.dequeueEvent('work'));
    return [first, ...rest];
  },
  *TwoEvents(ctx) {
    here(ctx);
    return [yield ctx.waitForEvent('one'), yield ctx.waitForEvent('two')];
  },
  *Busy(ctx, key) {
    here(ctx);
    return yield ctx.scheduleActivity('hold', key);
  },
  *FanOut(ctx) {
    here(ctx);
    const keys = ['a', 'b', 'c', 'd'];
    const all = yield ctx.all(keys.map((key) => ctx.scheduleActivity('step', key)));
    return all.map(({ ok }) => ok.key);
  },
  *Tagged(ctx) {
    here(ctx);
    return yield ctx.scheduleActivity('step', 'tagged').withTag('special');
  },
  *Session(ctx) {
    const first = yield ctx.scheduleActivityOnSession('step', 'one', 'session 1');
    here(ctx);
    return [first, yield ctx.scheduleActivityOnSession('hold', 'two', 'session 1')];
  },
  *Retry(ctx) {
    here(ctx);
    const retry = { maxAttempts: 3, backoff: { type: 'fixed', delayMs: 60_000 } };
    return yield ctx.scheduleActivityWithRetry('shaky', 'retry', retry);
  },
  *Race(ctx) {
    here(ctx);
    const winner = yield ctx.race(
      ctx.scheduleTimer(20 * 365 * 24 * 3600 * 1000),
      ctx.waitForEvent('go'),
      ctx.scheduleSubOrchestrationWithId('Waiter', `${ctx.instanceId}-loser`, 'loser'),
    );
    return [winner.index, winner.value];
  },
  *Branches(ctx) {
    here(ctx);
    const branch = function* (key) {
      const heard = yield ctx.waitForEvent(key);
      return [heard, (yield ctx.scheduleActivity('step', key)).key];
    };
    return yield ctx.all([branch('left'), branch('right')]);
  },
  *Generations(ctx, generation) {
    ctx.setValue(`generation ${generation}`, 'was here');
    ctx.setValue('latest', generation);
    if (generation === 2) ctx.clearValue('generation 1');
    if (generation < 4) return yield ctx.continueAsNew(generation + 1);
    here(ctx, `generation ${generation}`);
    const heard = yield ctx.waitForEvent('go');
    ctx.setValue('heard', heard);
    return ctx.getKvAllValues();
  },
  *Detaching(ctx) {
    yield ctx.startOrchestration('Waiter', `${ctx.instanceId}-away`, 'away');
    return yield ctx.newGuid();
  },
  *Large(ctx) {
    const text = yield ctx.scheduleActivity('repeat', 4000);
    here(ctx);
    const heard = yield ctx.waitForEvent('go');
    return [text.length, text.startsWith('ä\u0000€😀'), heard];
  },
  *Reader(ctx) {
    const before = yield ctx.getValueFromInstance('generations', 'latest');
    here(ctx);
    yield ctx.waitForEvent('go');
    return [before, yield ctx.getValueFromInstance('generations', 'latest')];
  },
};

/** Their code was missing in the process that had all the rest. */
const MISSING = {
  *Elsewhere(ctx, input) {
    return yield* ORCHESTRATIONS.Waiter(ctx, input);
  },
  *LateChild(ctx, input) {
    return (yield ctx.scheduleActivity('step', input)).key;
  },
  *Late(ctx, input) {
    return (yield ctx.scheduleActivity('step', input)).key;
  },
};

/** Runs on in the version in which it was started. */
const VERSIONED = {
  *'1.2.0'(ctx) {
    here(ctx);
    return ['1.2.0', yield ctx.waitForEvent('go')];
  },
  *'2.0.0'(ctx) {
    yield ctx.scheduleActivity('step', 'not what history says');
    return '2.0.0';
  },
};

/** Starts one of each. */
const STARTS = [
  ['done', 'Chain', ['a', 'b', 'c']],
  ['refused', 'Refused'],
  ['waiter', 'Waiter', 'root'],
  ['sleeper', 'Sleeper', 60_000],
  ['answered', 'Answered'],
  ['queue', 'Queue'],
  ['events', 'TwoEvents'],
  ['race', 'Race'],
  ['branches', 'Branches'],
  ['generations', 'Generations', 1],
  ['reader', 'Reader'],
  ['detaching', 'Detaching'],
  ['large', 'Large'],
  ['retry', 'Retry'],
  ['versioned', 'Versioned'],
  ['tagged', 'Tagged'],
  ['cancelled', 'Race'],
  ['late', 'Late', 'start'],
];

/** These keep every slot busy, so that the tasks of the last one stay in the store. */
const BUSY = [
  ['session', 'Session'],
  ['parent', 'Parent'],
  ['busy', 'Busy', 'busy'],
  ['fan-out', 'FanOut'],
];

const ran = (key) => ({ key });

/** What every instance must give in the end. */
const OUTPUTS = {
  done: [ran('a'), ran('b'), ran('c')],
  waiter: { before: ran('root'), heard: 'for waiter' },
  sleeper: true,
  parent: [
    [ran('child')],
    { ok: true },
    { ok: { before: ran('named'), heard: 'for parent-named' } },
    { ok: { middle: { before: ran('grandchild'), heard: 'for the grandchild' } } },
    { ok: 'late' },
    { ok: 'parent' },
  ],
  'parent-named': { before: ran('named'), heard: 'for parent-named' },
  answered: { before: ran('answer'), heard: 'for answered-child' },
  'answered-child': { before: ran('answer'), heard: 'for answered-child' },
  queue: [1, 2, 3, 4],
  events: ['stored', 'for events'],
  race: [1, 'for race'],
  branches: [{ ok: ['for the left', 'left'] }, { ok: ['for the right', 'right'] }],
  generations: {
    'generation 2': 'was here',
    'generation 3': 'was here',
    'generation 4': 'was here',
    latest: '4',
    heard: 'for generations',
  },
  reader: ['4', '4'],
  'detaching-away': { before: ran('away'), heard: 'for detaching-away' },
  large: [20_000, true, 'for large'],
  retry: 'retry',
  versioned: ['1.2.0', 'for versioned'],
  session: [ran('one'), 'two'],
  tagged: ran('tagged'),
  late: 'start',
  busy: 'busy',
  'fan-out': ['a', 'b', 'c', 'd'],
  stored: [ran('stored')],
};

/** What must have failed in the end, and with what. */
const ERRORS = {
  refused: /refused/,
  cancelled: /^canceled: stored$/,
  'cancelled-loser': /^canceled: /,
  'race-loser': /^canceled: /,
};

/** Ended when the stores were left. */
const ENDED = ['done', 'refused', 'detaching', 'answered-child', 'parent::sub::2'];

/** What the activities do, or what they did when the stores were made. */
function activities(when) {
  const old = when === OLD;
  return {
    step: (_ctx, key) => ({ key }),
    refuse() {
      throw new Error('refused');
    },
    hold: (_ctx, key) => (old ? new Promise(() => {}) : key),
    shaky(_ctx, key) {
      if (old) throw new Error('shaken');
      return key;
    },
    repeat: (_ctx, times) => 'ä\u0000€😀'.repeat(times),
  };
}

/**
 * Registers everything, or what `only` names.
 *
 * @param {any} runtime
 * @param {{ when?: string, only?: string[] }} [options]
 */
function register(runtime, { when, only } = {}) {
  const wanted = (name) => only === undefined || only.includes(name);
  for (const [name, fn] of Object.entries(activities(when))) {
    if (wanted(name)) runtime.registerActivity(name, fn);
  }
  const isComplete = when !== OLD || only !== undefined;
  const known = isComplete ? { ...ORCHESTRATIONS, ...MISSING } : ORCHESTRATIONS;
  for (const [name, fn] of Object.entries(known)) {
    if (wanted(name)) runtime.registerOrchestration(name, fn);
  }
  if (!wanted('Versioned')) return;
  for (const [version, fn] of Object.entries(VERSIONED)) {
    if (when !== OLD || version === '1.2.0') {
      runtime.registerOrchestrationVersioned('Versioned', version, fn);
    }
  }
}

module.exports = { BUSY, ENDED, ERRORS, OLD, OUTPUTS, STARTS, register };
