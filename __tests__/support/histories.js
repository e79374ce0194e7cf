'use strict';

/**
 * What the saved histories of __tests__/testdata are histories of. Each instance does a round of
 * something, stores what it has learnt under `learnt`, waits for `go`, does the same round again and
 * gives what it has learnt in both. So a store that was left at `go` shows that the first round is
 * replayed as it was, and that the second goes on under the rules of the first.
 *
 * Like code of running instances, what is here may not change, except that there may be more of it.
 */

/** Says what code caught: all that it could decide upon. */
function caught(error) {
  return [error.constructor.name, error.code ?? '', error.message, error.cause?.message ?? ''];
}

/** @param {Generator} steps what `yield*` would go through, as one branch */
function* outcome(steps) {
  try {
    return { gave: yield* steps };
  } catch (error) {
    return { caught: caught(error) };
  }
}

const attempt = (task) =>
  outcome(
    (function* () {
      return yield task;
    })(),
  );

const POLICIES = {
  third: { maxAttempts: 5, backoff: 'none' },
  thirdInTime: { maxAttempts: 5, backoff: 1, timeoutMs: 600_000, totalTimeoutMs: 900_000 },
  exhausted: { maxAttempts: 2, backoff: { type: 'linear', baseMs: 1 } },
  exhaustedInTime: { maxAttempts: 2, backoff: 'none', timeoutMs: 600_000 },
  late: { maxAttempts: 3, timeoutMs: 5 },
  lateInAll: { maxAttempts: 3, backoff: 'none', totalTimeoutMs: 5 },
};

const ROUNDS = {
  *Steps(ctx) {
    return [
      (yield ctx.newGuid()).length,
      typeof (yield ctx.utcNow()),
      yield ctx.scheduleTimer(1),
      yield ctx.scheduleActivity('echo', { nested: [1, 'ä', null] }),
      yield* ctx.scheduleActivityTyped('echo', '{"twice":true}'),
      yield ctx.scheduleActivityOnSession('echo', 'on a session', 'session-1'),
      yield ctx.scheduleActivity('echo', 'elsewhere').withTag('special'),
      yield ctx.scheduleSubOrchestration('Child', 'child'),
      yield ctx.scheduleSubOrchestrationVersioned('Child', '1.0.0', 'of a version'),
      yield ctx.getValueFromInstance('nobody', 'nothing'),
      yield ctx.startOrchestration('Child', `${ctx.instanceId}-away`, 'away'),
    ];
  },
  *Failures(ctx) {
    const all = [];
    for (const what of ['error', 'named', 'text', 'nothing', 'cause', 'cycle']) {
      all.push(yield* attempt(ctx.scheduleActivity('fail', what)));
    }
    for (const what of ['error', 'activity', 'canceled: by hand', 'nondeterministic: weather']) {
      all.push(yield* attempt(ctx.scheduleSubOrchestration('FailingChild', what)));
    }
    return all;
  },
  /** What code gives away of the errors that it caught, and of other values without a JSON form. */
  *Values(ctx) {
    const [failed] = yield ctx.allSettled([ctx.scheduleActivity('fail', 'named')]);
    const value = { error: failed.reason, at: new Map([['a', 1]]), n: Number.NaN, f() {} };
    ctx.setCustomStatus(value);
    ctx.setValue('value', value);
    const given = yield ctx.scheduleActivity('echo', value);
    return [given, yield ctx.scheduleSubOrchestration('Child', value), ctx.getValue('value')];
  },
  *Retries(ctx, round) {
    const all = [];
    for (const [what, policy] of Object.entries(POLICIES)) {
      const name = what.startsWith('late') ? 'never' : 'shaky';
      const input = [what, round];
      all.push(yield* attempt(ctx.scheduleActivityWithRetry(name, input, policy)));
      const task = ctx.scheduleActivityWithRetryOnSessionTyped(
        name,
        [what, 's', round],
        policy,
        's',
      );
      all.push(yield* attempt(task));
    }
    return all;
  },
  /** Policies that decide. */
  *Decisions(ctx, round) {
    const decide = (what) => (error) => {
      if (what === 'exhaustedByThrow') throw new RangeError(`not again: ${error.message}`);
      return what === 'again';
    };
    const all = [];
    for (const what of ['again', 'exhaustedAtOnce', 'exhaustedByThrow']) {
      const policy = { maxAttempts: Infinity, backoff: 1, jitter: 0.5, retryIf: decide(what) };
      all.push(yield* attempt(ctx.scheduleActivityWithRetry('shaky', [what, 'd', round], policy)));
    }
    const policy = { maxAttempts: 9, nonRetryable: ['E_CARD'] };
    all.push(yield* attempt(ctx.scheduleActivityWithRetry('fail', 'named', policy)));
    return all;
  },
  *RetriesTogether(ctx, round) {
    const tasks = (key) =>
      Object.entries(POLICIES).map(([what, policy]) => {
        const name = what.startsWith('late') ? 'never' : 'shaky';
        return ctx.scheduleActivityWithRetry(name, [what, key, round], policy);
      });
    const settled = yield ctx.allSettled(tasks('settled'));
    const race = yield ctx.race(
      ctx.scheduleTimer(600_000),
      ctx.scheduleActivityWithRetry('never', 'race', { maxAttempts: 2, timeoutMs: 600_000 }),
      ctx.scheduleActivity('echo', 'first'),
    );
    return [
      yield ctx.all(tasks('all')),
      settled.map(({ status, value, reason }) => [status, value ?? caught(reason)]),
      race,
    ];
  },
  *Races(ctx, round) {
    const losers = () => [
      ctx.scheduleTimer(600_000),
      ctx.waitForEvent('never'),
      ctx.dequeueEvent('never'),
      ctx.scheduleSubOrchestration('Sleeper'),
      ctx.scheduleActivity('never', round),
    ];
    function* branch(steps) {
      for (let n = 0; n < steps; n++) yield ctx.scheduleActivity('echo', n);
      return yield ctx.race(...losers(), failing());
    }
    function* failing() {
      yield ctx.scheduleTimer(1);
      return yield ctx.scheduleActivity('fail', 'error');
    }
    function* hanging() {
      yield ctx.scheduleActivity('echo', 'hanging');
      try {
        yield ctx.all(losers());
      } finally {
        yield ctx.scheduleActivity('echo', 'never');
      }
    }
    return [
      yield ctx.race(...losers(), branch(2)),
      yield ctx.race(hanging(), ctx.all([branch(1), branch(0)])),
      yield ctx.raceTyped(hanging(), failing()),
      yield ctx.any([failing(), hanging(), branch(1)]),
      yield* attempt(ctx.any([failing(), ctx.scheduleActivity('fail', 'named')])),
      yield ctx.all([ctx.race(hanging(), ctx.scheduleTimer(1)), failing(), branch(0)]),
    ];
  },
  *Queues(ctx, round) {
    const first = yield ctx.dequeueEvent('work');
    ctx.setCustomStatus(`ready ${round}`);
    const pair = yield ctx.all([ctx.dequeueEvent('work'), ctx.waitForEvent('ready')]);
    ctx.setValue('first', first);
    ctx.clearValue('first');
    ctx.resetCustomStatus();
    return [first, pair, ctx.getValue('first')];
  },
};

/** Makes the code of an instance of its round. */
function twice(round) {
  return function* code(ctx) {
    const learnt = yield* round(ctx, 'before');
    ctx.setValue('learnt', learnt);
    yield ctx.waitForEvent('go');
    return [learnt, yield* round(ctx, 'after')];
  };
}

const ORCHESTRATIONS = {
  ...Object.fromEntries(Object.entries(ROUNDS).map(([name, round]) => [name, twice(round)])),
  *Child(_ctx, input) {
    return { input };
  },
  *FailingChild(ctx, what) {
    if (what === 'activity') return yield ctx.scheduleActivity('fail', 'cause');
    throw new Error(what);
  },
  *Sleeper(ctx) {
    return yield ctx.scheduleTimer(600_000);
  },
  *Generations(ctx, generation) {
    ctx.setCustomStatus(`generation ${generation}`);
    if (generation < 3) return yield ctx.continueAsNew(generation + 1);
    const learnt = [ctx.getCustomStatus(), yield ctx.dequeueEvent('work')];
    ctx.setValue('learnt', learnt);
    return [learnt, yield ctx.waitForEvent('go')];
  },
  /** Forgot a `yield`. */
  *Forgetful(ctx) {
    ctx.setValue('learnt', null);
    yield ctx.waitForEvent('go');
    return ctx.scheduleActivity('echo', 'forgotten');
  },
};

/** Rounds that came later, by the first rules that they were saved under. */
const SINCE = { Decisions: 1 };

/**
 * Instances of a saved store, each of the orchestration of its name.
 *
 * @param {string} saved the folder, `rules-N`
 */
function parkedIn(saved) {
  const rules = Number(saved.slice('rules-'.length));
  const all = [...Object.keys(ROUNDS), 'Generations', 'Forgetful'];
  return all.filter((name) => (SINCE[name] ?? 0) <= rules);
}

/** Sends what a round waits for. */
async function serve(client, round) {
  for (let n = 0; n < 2; n++) await client.enqueueEvent('Queues', 'work', [round, n]);
  for (let seen = 0; ; ) {
    const { customStatus, customStatusVersion } = await client.waitForStatusChange('Queues', seen);
    if (customStatus === `ready ${round}`) break;
    seen = customStatusVersion;
  }
  await client.raiseEvent('Queues', 'ready', round);
}

const THROWN = {
  error: () => new Error('failed'),
  named: () => Object.assign(new TypeError('typed'), { name: 'CardError', code: 'E_CARD' }),
  text: () => 'a text',
  nothing: () => null,
  cause: () => new Error('outer', { cause: new RangeError('inner') }),
};

/** How often a key was tried in this process. */
const tries = new Map();

const ACTIVITIES = {
  echo: (_ctx, value) => value,
  fail(_ctx, what) {
    if (what === 'cycle') {
      const value = {};
      value.value = value;
      return value;
    }
    throw THROWN[what]();
  },
  /** Fails twice, or always. It may run more often than it is asked to, like all activities. */
  shaky(ctx, input) {
    const key = JSON.stringify([ctx.instanceId, input]);
    tries.set(key, (tries.get(key) ?? 0) + 1);
    if (tries.get(key) < 3 || input[0].startsWith('exhausted')) throw new Error('shaken');
    return 'steady';
  },
  never: (ctx) =>
    new Promise((resolve) => {
      if (ctx.signal.aborted) resolve('aborted');
      ctx.signal.addEventListener('abort', () => resolve('aborted'), { once: true });
    }),
};

/** @param {any} runtime */
function register(runtime) {
  for (const [name, fn] of Object.entries(ACTIVITIES)) runtime.registerActivity(name, fn);
  for (const [name, fn] of Object.entries(ORCHESTRATIONS)) runtime.registerOrchestration(name, fn);
}

module.exports = { parkedIn, register, serve };
