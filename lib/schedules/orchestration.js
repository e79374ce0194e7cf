'use strict';

const { stepTime } = require('../orchestration/during.js');
const { forgetAnswers, obey } = require('./commands.js');
const { decideTicks, fill, recorded, startWaiting } = require('./deciding.js');
const { DEFINITION_KEY, PRUNE, QUEUE, STATE_KEY } = require('./names.js');
const { begun } = require('./state.js');
const { nextTick } = require('./ticks.js');

/**
 * The orchestration that a schedule is. An execution waits for the next tick or a command, deals with it, and
 * continues as new with what it knows then, so that its history does not grow.
 *
 *   - S1 A tick is decided, and what was decided is started, by the commit that moves the position beyond it:
 *     whoever dies before it has done nothing, and nobody after it looks at the tick again.
 *   - S2 Which ticks there are follows from the position. What is computed from a definition is recorded before
 *     anything follows from it: another release may have other rules of time zones.
 *   - S3 Ticks that are due are decided before a command is obeyed: what a command changes begins behind them.
 *
 * @typedef {import('./state.js').State} State
 */

/** How many executions are over before the old ones are deleted. */
const PRUNED_EVERY = 50;

/**
 * @param {any} ctx
 * @param {any} input the state or, at first, what was asked for
 * @returns {Generator<any, void, any>}
 */
function* runSchedule(ctx, input) {
  const isNew = input.format === undefined;
  const woken = isNew ? {} : yield* sleep(ctx, input);
  const nowMs = stepTime();
  /** @type {State} */
  const state = isNew ? begun(input, nowMs) : input;
  if (woken.pruned) state.prunedAt = ctx.executionId;
  const work = { ctx, state, nowMs, fresh: new Set() };
  if (!state.paused) {
    yield* startWaiting(work);
    yield* decideTicks(work);
  }
  yield* fill(work);
  if (woken.message !== undefined) yield* obey(work, woken.message);
  if (woken.message !== undefined || state.paused) {
    state.next = yield* recorded(ctx, state.definition, () =>
      nextTick(state.definition, state.id, state.positionMs),
    );
  }
  forgetAnswers(work);
  show(ctx, state);
  yield ctx.continueAsNew(state);
}

/**
 * Waits for the next tick, a command, or the end of cleaning up.
 *
 * @param {any} ctx
 * @param {State} state
 * @returns {Generator<any, { message?: unknown, pruned?: boolean }, any>}
 */
function* sleep(ctx, state) {
  const tasks = {
    message: ctx.dequeueEvent(QUEUE),
    ...timerOf(ctx, state),
    ...pruneOf(ctx, state),
  };
  const { index, value } = yield ctx.race(...Object.values(tasks));
  const what = Object.keys(tasks)[index];
  return { message: what === 'message' ? value : undefined, pruned: what === 'prune' };
}

/** @param {any} ctx @param {State} state */
function timerOf(ctx, { paused, next, waiting, backfills, lookAtMs }) {
  const looks = backfills.length > 0 || (waiting.length > 0 && !paused);
  const dues = [...(looks ? [lookAtMs] : []), ...(paused || next === null ? [] : [next.dueMs])];
  return dues.length === 0 ? {} : { timer: ctx.scheduleTimerAt(Math.min(...dues)) };
}

/** @param {any} ctx @param {State} state */
function pruneOf(ctx, { prunedAt }) {
  return ctx.executionId - prunedAt < PRUNED_EVERY
    ? {}
    : { prune: ctx.scheduleActivity(PRUNE, null) };
}

/**
 * Shows the schedule to clients.
 *
 * @param {any} ctx
 * @param {State} state
 */
function show(ctx, { definition, answers: _, waiting, backfills, ...state }) {
  const text = JSON.stringify(definition);
  if (ctx.getValue(DEFINITION_KEY) !== text) ctx.setValue(DEFINITION_KEY, text);
  // A value has a limit, which none of this may come near.
  const shown = {
    ...state,
    waiting: waiting.slice(0, MOST_SHOWN).map(({ run }) => run),
    backfills: backfills.map(({ gaps, overlap }) => ({
      from: gaps[0][0],
      to: /** @type {any} */ (gaps.at(-1))[1] + 1,
      overlap,
    })),
  };
  ctx.setValue(STATE_KEY, JSON.stringify(shown));
}

/** How many of the starts that wait are shown. */
const MOST_SHOWN = 10;

module.exports = { runSchedule };
