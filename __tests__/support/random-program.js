'use strict';

/**
 * An orchestration that does what its input says, step by step, and sees that each answer is its own: the
 * input has a text that no other start has, every activity and child gives it back.
 */

/** How a wrong answer is recognized in a failure, wherever it surfaces. */
const WRONG = 'wrong answer:';

function expect(isRight, what, got) {
  if (!isRight) throw new Error(`${WRONG} ${what} got ${JSON.stringify(got)}`);
}

/** Sees that an answer is what was given to an activity. */
function expectMine(got, mine, what) {
  expect(got.own === mine.own && got.n === mine.n, what, got);
}

const isCancelled = (error) => /cancel/i.test(error.message);

const activities = {
  echo: async (ctx, { own, n, ms = 0 }) => {
    await ctx.sleep(ms);
    return { own, n };
  },
  shaky: async (ctx, { own, n }) => {
    if (ctx.attempt < 3 && ctx.attempt % 2 === n % 2) throw new Error('shaky');
    return { own, n };
  },
  beat: async (ctx, { own, n }) => {
    const before = ctx.lastHeartbeat ?? { own, n };
    ctx.heartbeat({ own, n });
    if (ctx.attempt === 1 && n % 2 === 0) throw new Error('shaky');
    return before;
  },
  refuse: async (_, { own }) => {
    throw new Error(`refused ${own}`);
  },
};

/** Each kind of step: it gets the context, `{ own, n }` to give to others, and the step. */
const STEPS = {
  *activity(ctx, mine, { ms }) {
    const got = yield ctx.scheduleActivity('echo', { ...mine, ms });
    expectMine(got, mine, 'activity');
  },
  *retried(ctx, mine) {
    const retry = { maxAttempts: Infinity, backoff: 10 };
    const got = yield ctx.scheduleActivity('shaky', mine, { retry });
    expectMine(got, mine, 'retried activity');
  },
  *inline(ctx, mine) {
    const got = yield* ctx.run(`inline ${mine.n}`, async () => mine);
    expectMine(got, mine, 'inline activity');
  },
  *retriedInline(ctx, mine) {
    const step = async ({ attempt }) => {
      if (attempt === 1) throw new Error('shaky');
      return mine;
    };
    const retry = { maxAttempts: Infinity, backoff: 5 };
    const got = yield* ctx.run(`retried inline ${mine.n}`, step, { retry, timeoutMs: 60_000 });
    expectMine(got, mine, 'retried inline activity');
  },
  *beating(ctx, mine) {
    const retry = { maxAttempts: Infinity, backoff: 5 };
    const got = yield ctx.scheduleActivity('beat', mine, { retry, heartbeatMs: 60_000 });
    expectMine(got, mine, 'heartbeat');
  },
  *mapped(ctx, mine, { width }) {
    const items = Array.from({ length: width }, (_, n) => ({ own: mine.own, n }));
    const call = (item) => ctx.scheduleActivity('echo', item);
    const all = yield* ctx.map(items, call, { concurrency: 2 });
    const isRight = all.every(({ ok }, n) => ok?.own === mine.own && ok.n === n);
    expect(isRight, 'map', all);
  },
  *cleaning(ctx, mine, { ms }) {
    function* branch() {
      try {
        yield ctx.waitForEvent('never');
      } finally {
        const got = yield ctx.scheduleActivity('echo', mine);
        expectMine(got, mine, 'cleanup');
      }
    }
    yield ctx.race(branch(), ctx.scheduleTimer(ms));
  },
  *answer(ctx) {
    const { index, value } = yield ctx.race(ctx.receive('asks'), ctx.scheduleTimer(20));
    if (index === 0) value.reply({ asked: value.data.own });
  },
  *asked(ctx) {
    const all = [ctx.receive('asks'), ctx.receive('asks'), ctx.scheduleTimer(30)];
    const { index, value } = yield ctx.race(...all);
    if (index < 2) ctx.reply(value.replyTo, { asked: value.data.own });
  },
  *refused(ctx, mine) {
    try {
      yield ctx.scheduleActivity('refuse', mine);
    } catch (error) {
      expect(error.message.includes(mine.own) || isCancelled(error), 'failure', error.message);
      if (isCancelled(error)) throw error;
    }
  },
  *timer(ctx, _, { ms }) {
    yield ctx.scheduleTimer(ms);
  },
  *wide(ctx, mine, { width }) {
    const tasks = Array.from({ length: width }, (_, i) =>
      ctx.scheduleActivity('echo', { own: mine.own, n: i }),
    );
    const all = yield ctx.all(tasks);
    const isRight = all.every(({ ok }, i) => ok?.own === mine.own && ok.n === i);
    expect(isRight, 'all', all);
  },
  *race(ctx, mine, { ms }) {
    const echo = ctx.scheduleActivity('echo', { ...mine, ms });
    const { index, value } = yield ctx.race(echo, ctx.scheduleTimer(ms));
    expect(index === 1 || value.own === mine.own, 'race', value);
  },
  *branches(ctx, mine) {
    function* branch(n) {
      const first = yield ctx.scheduleActivity('echo', { own: mine.own, n });
      yield ctx.scheduleTimer(n);
      return [first, yield* ctx.run(`branch ${n}`, async () => ({ own: mine.own, n }))];
    }
    const all = yield ctx.all([branch(1), branch(2)]);
    const isRight = all.every(({ ok }, i) =>
      ok?.every((got) => got.own === mine.own && got.n === i + 1),
    );
    expect(isRight, 'branches', all);
  },
  *child(ctx, mine, { id, steps }) {
    const input = { own: `${mine.own}/${mine.n}`, steps };
    try {
      const got = yield id === undefined
        ? ctx.scheduleSubOrchestration('Steps', input)
        : ctx.scheduleSubOrchestrationWithId('Steps', id, input);
      expect(got.own === input.own, 'child', got);
    } catch (error) {
      // An id may be somebody else's, and anybody may end a child, or this.
      if (id === undefined && !/cancel|terminat|refused/i.test(error.message)) throw error;
      if (error.message.includes(WRONG)) throw error;
    }
  },
  *detached(ctx, mine, { id, steps }) {
    yield ctx.startOrchestration('Steps', id, { own: `${mine.own}+${mine.n}`, steps });
  },
  *message(ctx, mine) {
    ctx.send(ctx.instanceId, 'messages', mine);
    const got = yield ctx.dequeueEvent('messages');
    expect(got === 'outside' || got.own === mine.own, 'message', got);
  },
  *signal(ctx) {
    yield ctx.race(ctx.waitForEvent('signal'), ctx.scheduleTimer(20));
  },
  *promise(ctx) {
    const promise = ctx.promise();
    ctx.setCustomStatus(promise.token);
    yield ctx.race(promise, ctx.scheduleTimer(20));
    ctx.resetCustomStatus();
  },
  *value(ctx, mine) {
    ctx.setValue('own', `${mine.own} ${mine.n}`);
    yield ctx.utcNow();
    expect(ctx.getValue('own') === `${mine.own} ${mine.n}`, 'value', ctx.getValue('own'));
  },
  *patched(ctx, mine) {
    if (ctx.patched(`patch ${mine.n}`)) yield ctx.newGuid();
  },
  *fail(ctx, mine) {
    yield ctx.scheduleActivity('refuse', mine);
  },
};

/** Runs the steps from a number on: numbers never repeat in a life. */
function* run(ctx, { own, steps, from = 0 }) {
  for (let n = from; n < steps.length; n++) {
    const step = steps[n];
    if (step.kind === 'again') return yield ctx.continueAsNew({ own, steps, from: n + 1 });
    yield* STEPS[step.kind](ctx, { own, n }, step);
  }
  return { own };
}

/** Registers the program, in both versions where the process is one of a new release. */
function register(runtime, isNew) {
  for (const [name, fn] of Object.entries(activities)) runtime.registerActivity(name, fn);
  runtime.registerOrchestration('Steps', run);
  if (isNew) runtime.registerOrchestrationVersioned('Steps', '2.0.0', run, { cancelGraceMs: 50 });
}

const KINDS = [...Object.keys(STEPS), 'again', 'activity', 'child'];
const DEEPEST = 2;

/**
 * Steps by chance, for the input of the orchestration.
 *
 * @param {{ pick: (list: any[]) => any, below: (n: number) => number }} chance
 * @param {string[]} ids that children and detached instances get, sometimes
 */
function randomSteps(chance, ids, depth = 0) {
  return Array.from({ length: 1 + chance.below(6) }, () => {
    const kind = chance.pick(KINDS);
    const step = { kind, ms: chance.below(30), width: 1 + chance.below(6) };
    if (kind !== 'child' && kind !== 'detached') return step;
    if (depth === DEEPEST) return { kind: 'timer', ms: 1 };
    const steps = randomSteps(chance, ids, depth + 1);
    const id = kind === 'detached' || chance.below(3) === 0 ? chance.pick(ids) : undefined;
    return { kind, id, steps };
  });
}

module.exports = { WRONG, randomSteps, register };
