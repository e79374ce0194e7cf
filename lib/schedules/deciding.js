'use strict';

const { unwatched } = require('../orchestration/guard.js');
const { behind } = require('./intervals.js');
const { runInstance, tickText } = require('./names.js');
const {
  MOST_AT_ONCE,
  MOST_WAITING,
  addRunning,
  follow,
  lookAgain,
  planOf,
  remember,
  revise,
} = require('./state.js');
const { ticksIn } = require('./ticks.js');

/**
 * What becomes of ticks, of starts that wait, and of what is to be made up for.
 *
 * @typedef {import('./state.js').State} State
 * @typedef {import('./state.js').Waiting} Waiting
 * @typedef {{ ctx: any, state: State, nowMs: number, fresh: Set<string> }} Work `fresh` are the runs that this
 *   execution starts: nobody else sees them yet
 */

/**
 * Gives what a function finds, and what it has found once in every replay (S2). What is counted from 1970 is
 * found again.
 *
 * @template T
 * @param {any} ctx
 * @param {import('./definition.js').Definition} definition what it goes by
 * @param {() => T} find
 * @returns {Generator<any, T, any>}
 */
function* recorded(ctx, { cron, except }, find) {
  if (cron === undefined && except.length === 0) return find();
  for (;;) {
    const value = ctx.isReplaying ? null : JSON.stringify({ found: unwatched(find) });
    const answer = yield { type: 'decide', value };
    if (answer !== null) return answer.found;
  }
}

/** Decides what is due. @param {Work} work @returns {Generator<any, void, any>} */
function* decideTicks(work) {
  const { ctx, state, nowMs } = work;
  const plan = yield* recorded(ctx, state.definition, () => planOf(state, nowMs));
  follow(state, plan);
  if (plan.missed !== null) miss(work, plan.missed);
  for (const tick of plan.due) yield* decideTick(work, tick);
}

/** @param {Work} work @param {NonNullable<import('./state.js').Plan['missed']>} missed */
function miss({ ctx, state, nowMs }, { tickMs, count, isLeast }) {
  const lateMs = nowMs - tickMs;
  const run = tickText(tickMs);
  const reason = `later than catchUp allows${isLeast ? '; there were more than were counted' : ''}`;
  remember(state, { run, tickMs, decision: 'missed', atMs: nowMs, lateMs, count, reason });
  ctx.traceWarn({ schedule: state.id, first: run, count }, 'ticks of the schedule were missed');
}

/**
 * @param {Work} work
 * @param {import('./ticks.js').Tick} tick
 * @returns {Generator<any, void, any>}
 */
function* decideTick(work, { tickMs, dueMs }) {
  const { state, nowMs } = work;
  const run = tickText(tickMs);
  const decided = { run, tickMs, atMs: nowMs, lateMs: nowMs - dueMs };
  const other = yield* inTheWay(work);
  if (other === null) {
    yield* start(work, { run, tickMs });
    remember(state, { ...decided, decision: 'started' });
    return;
  }
  const refusal = OVERLAPS[state.definition.overlap](work, other, run);
  if (refusal === null) {
    state.waiting.push({ run, tickMs, dueMs });
    lookAgain(state, nowMs, true);
  }
  const decision = refusal === null ? 'waiting' : 'skipped';
  remember(state, { ...decided, decision, reason: refusal ?? hasNotEnded(state, other) });
}

/** @param {State} state @param {string} run */
const hasNotEnded = ({ id }, run) => `${runInstance(id, run)} has not ended`;

/**
 * What is done where another run is in the way: each gives why the tick is skipped, or null where it waits.
 *
 * @type {Record<string, (work: Work, other: string, run: string) => string | null>}
 */
const OVERLAPS = {
  skip({ state }, other) {
    return hasNotEnded(state, other);
  },
  bufferOne({ state }) {
    const [first] = state.waiting;
    return first === undefined ? null : `${runInstance(state.id, first.run)} waits already`;
  },
  bufferAll({ state }) {
    return state.waiting.length < MOST_WAITING ? null : `${MOST_WAITING} others wait already`;
  },
  cancelOther(work, _other, run) {
    replaceOthers(work, run, 'cancelInstance');
    return null;
  },
  terminateOther(work, _other, run) {
    replaceOthers(work, run, 'terminateInstance');
    return null;
  },
};

/**
 * Asks what runs to end, and skips what waits for that.
 *
 * @param {Work} work
 * @param {string} run that comes in their place
 * @param {'cancelInstance' | 'terminateInstance'} end
 */
function replaceOthers({ ctx, state }, run, end) {
  const reason = `the tick ${run} of schedule '${state.id}' comes in its place`;
  for (const other of state.running) ctx[end](runInstance(state.id, other), reason);
  for (const { run: waiting } of state.waiting) {
    revise(state, waiting, 'waiting', { decision: 'skipped', reason });
  }
  state.waiting = [];
}

/**
 * Gives a run that has to end before the next one may start, or null.
 *
 * @param {Work} work
 * @returns {Generator<any, string | null, any>}
 */
function* inTheWay(work) {
  if (work.state.definition.overlap === 'allow') return null;
  return (yield* stillRunning(work)) ?? work.state.waiting[0]?.run ?? null;
}

/**
 * Gives a run that has not ended, if there is one, and forgets those that have.
 *
 * @param {Work} work
 * @returns {Generator<any, string | undefined, any>}
 */
function* stillRunning({ state, fresh }) {
  const left = [];
  for (const run of state.running) {
    const instanceId = runInstance(state.id, run);
    const status = fresh.has(run) ? 'Running' : yield { type: 'getStatus', instanceId };
    if (status === 'Running') left.push(run);
  }
  state.running = left;
  return left[0];
}

/**
 * Starts a run. It happens with the commit, at once where nothing is in its way.
 *
 * @param {Work} work
 * @param {{ run: string, tickMs: number, manual?: boolean, input?: unknown }} what
 * @returns {Generator<any, void, any>}
 */
function* start({ state, fresh }, { run, tickMs, manual = false, input = state.definition.input }) {
  const { orchestration, version } = state.definition;
  yield {
    type: 'scheduledStart',
    name: orchestration,
    version,
    instanceId: runInstance(state.id, run),
    input: JSON.stringify(input),
    schedule: JSON.stringify({ id: state.id, tick: tickMs, manual }),
  };
  fresh.add(run);
  addRunning(state, run);
}

/** Starts what waits, where nothing is in its way any more. @param {Work} work @returns {Generator<any, void, any>} */
function* startWaiting(work) {
  const { state, nowMs } = work;
  while (state.waiting.length > 0) {
    const isFree =
      state.definition.overlap === 'allow' || (yield* stillRunning(work)) === undefined;
    if (!isFree) {
      lookAgain(state, nowMs, false);
      return;
    }
    const [{ run, tickMs, dueMs }] = state.waiting.splice(0, 1);
    yield* start(work, { run, tickMs });
    const lateMs = nowMs - dueMs;
    revise(state, run, 'waiting', { decision: 'started', atMs: nowMs, lateMs, reason: undefined });
    lookAgain(state, nowMs, true);
  }
}

/**
 * Goes on with the oldest stretch that is to be made up for: as many ticks as may be, or one after the other.
 *
 * @param {Work} work
 * @returns {Generator<any, void, any>}
 */
function* fill(work) {
  const { ctx, state, nowMs } = work;
  const [backfill] = state.backfills;
  if (backfill === undefined) return;
  const isFree = backfill.overlap === 'allow' || (yield* stillRunning(work)) === undefined;
  lookAgain(state, nowMs, isFree);
  if (!isFree) return;
  const most = backfill.overlap === 'allow' ? MOST_AT_ONCE : 1;
  const ticks = yield* recorded(ctx, state.definition, () =>
    ticksIn(state.definition, backfill.gaps, most),
  );
  for (const tickMs of ticks) {
    const run = tickText(tickMs);
    yield* start(work, { run, tickMs });
    const reason = 'backfill';
    remember(state, {
      run,
      tickMs,
      decision: 'started',
      atMs: nowMs,
      lateMs: nowMs - tickMs,
      reason,
    });
  }
  const lastMs =
    ticks.length < most ? Number.POSITIVE_INFINITY : /** @type {number} */ (ticks.at(-1));
  backfill.gaps = behind(backfill.gaps, lastMs);
  if (backfill.gaps.length === 0) state.backfills.shift();
  else if (backfill.overlap === 'allow') state.lookAtMs = nowMs;
}

module.exports = { decideTicks, fill, recorded, start, startWaiting, stillRunning };
