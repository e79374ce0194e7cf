'use strict';

const { withInterval } = require('./intervals.js');
const { nextTick } = require('./ticks.js');

/**
 * What a schedule knows between two ticks: the input of its next execution. Only plain data, and nothing in it
 * grows without bound.
 *
 * @typedef {import('./definition.js').Definition} Definition
 * @typedef {import('./ticks.js').Tick} Tick
 * @typedef {import('./intervals.js').Interval} Interval
 * @typedef {'started' | 'waiting' | 'skipped' | 'missed' | 'idTaken'} Decision
 * @typedef {{ run: string, tickMs: number, dueMs: number }} Waiting a start that others are in the way of
 * @typedef {{ gaps: Interval[], overlap: string }} Backfill the ticks of these stretches are to be started
 * @typedef {{
 *   run: string, tickMs: number, decision: Decision, atMs: number, lateMs: number, count?: number,
 *   reason?: string,
 * }} Decided `count` of several ticks that were missed together, beginning with this one
 * @typedef {{
 *   format: 1, id: string, definition: Definition, createdMs: number,
 *   paused: { sinceMs: number, note: string | null } | null,
 *   positionMs: number, sinceMs: number, decided: Interval[], next: Tick | null,
 *   running: string[], waiting: Waiting[], backfills: Backfill[], lookAtMs: number, pauseMs: number,
 *   recent: Decided[], counts: Record<Decision, number>, madeUp: number, manual: number,
 *   declared: { by: string, isCurrent: boolean } | null, answers: [request: string, atMs: number][],
 *   prunedAt: number,
 * }} State every tick from `sinceMs` to `positionMs` is decided, and those of `decided` before it; none after
 *   it. `madeUp` counts those that `catchUp: 'all'` has made up for since the schedule was on time. Where a
 *   start waits for others to end they are looked at at `lookAtMs`, and again after `pauseMs`.
 */

/** How many decisions are remembered. */
const MOST_RECENT = 10;
/** How many runs are remembered that may not have ended: those of `allow` are not looked at. */
const MOST_RUNNING = 100;
/** How many ticks one execution decides. Then the next one goes on. */
const MOST_AT_ONCE = 100;
/** How many missed ticks are counted one by one. */
const MOST_COUNTED = 1000;
/** How many ticks `catchUp: 'all'` makes up for. */
const MOST_MADE_UP = 1000;
/** How many starts wait: what is beyond that is skipped. */
const MOST_WAITING = 1000;
/** How long the pauses are between looks at what others wait for. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** How late the others may be then. */
const LATE_MS = 60_000;

/**
 * @param {{ id: string, definition: Definition, paused: boolean, askedMs?: number }} asked `askedMs` is when
 *   that was, by the time of the store
 * @param {number} nowMs
 * @returns {State}
 */
function begun({ id, definition, paused, askedMs }, nowMs) {
  // What ticks until a runtime comes is decided like what it has missed.
  const sinceMs = paused ? nowMs : Math.min(askedMs ?? nowMs, nowMs);
  return {
    format: 1,
    id,
    definition,
    createdMs: nowMs,
    paused: paused ? { sinceMs: nowMs, note: definition.note } : null,
    // A tick at this very moment is one.
    positionMs: sinceMs - 1,
    sinceMs,
    decided: [],
    next: null,
    running: [],
    waiting: [],
    backfills: [],
    lookAtMs: 0,
    pauseMs: FIRST_PAUSE_MS,
    recent: [],
    counts: { started: 0, waiting: 0, skipped: 0, missed: 0, idTaken: 0 },
    madeUp: 0,
    manual: 0,
    declared: null,
    answers: [],
    prunedAt: 0,
  };
}

/**
 * What is to be decided now.
 *
 * @typedef {{
 *   due: Tick[], next: Tick | null, positionMs: number,
 *   missed: { tickMs: number, untilMs: number, count: number, isLeast: boolean } | null,
 * }} Plan
 */

/**
 * Says which ticks are due, which were missed, and what comes next. Ticks follow from the position, and the
 * time only says how late they are.
 *
 * @param {State} state
 * @param {number} nowMs
 * @returns {Plan}
 */
function planOf(state, nowMs) {
  const { definition, id } = state;
  const after = (/** @type {number} */ ms) => nextTick(definition, id, ms);
  const oldestMs = nowMs - windowOf(state);
  let next = after(state.positionMs);
  let { positionMs } = state;
  const first = next;
  let count = 0;
  for (; next !== null && next.dueMs < oldestMs && count < MOST_COUNTED; count++) {
    positionMs = next.tickMs;
    next = after(positionMs);
  }
  const isLeast = next !== null && next.dueMs < oldestMs;
  if (isLeast) {
    positionMs = Math.max(positionMs, oldestMs - 1 - definition.jitterMs);
    next = after(positionMs);
  }
  const untilMs = positionMs;
  const due = [];
  while (next !== null && next.dueMs <= nowMs && due.length < MOST_AT_ONCE) {
    due.push(next);
    positionMs = next.tickMs;
    next = after(positionMs);
  }
  const missed =
    first === null || count === 0 ? null : { tickMs: first.tickMs, untilMs, count, isLeast };
  return { due, missed, next, positionMs };
}

/** How late a tick may be that is started. @param {State} state */
function windowOf({ definition: { catchUp }, madeUp }) {
  if (catchUp !== 'all') return catchUp;
  return madeUp < MOST_MADE_UP ? Number.POSITIVE_INFINITY : LATE_MS;
}

/**
 * Takes a plan over.
 *
 * @param {State} state
 * @param {Plan} plan
 */
function follow(state, { due, missed, next, positionMs }) {
  if (missed !== null) {
    interrupt(state, missed.tickMs - 1);
    state.sinceMs = missed.untilMs + 1;
  }
  state.positionMs = positionMs;
  state.next = next;
  state.madeUp = due.length === MOST_AT_ONCE ? state.madeUp + due.length : 0;
}

/**
 * Ends the stretch in which every tick is decided.
 *
 * @param {State} state
 * @param {number} lastMs
 */
function interrupt(state, lastMs) {
  state.decided = withInterval(state.decided, [state.sinceMs, lastMs]);
}

/**
 * Begins with the ticks after a moment.
 *
 * @param {State} state
 * @param {number} nowMs
 */
function goOn(state, nowMs) {
  state.positionMs = Math.max(state.positionMs, nowMs);
  state.sinceMs = state.positionMs + 1;
}

/**
 * Says when to look next at what others wait for.
 *
 * @param {State} state
 * @param {number} nowMs
 * @param {boolean} isNew whether something has changed since the last look
 */
function lookAgain(state, nowMs, isNew) {
  const pauseMs = isNew ? FIRST_PAUSE_MS : Math.min(2 * state.pauseMs, LONGEST_PAUSE_MS);
  state.pauseMs = pauseMs;
  state.lookAtMs = nowMs + pauseMs;
}

/**
 * Remembers a decision.
 *
 * @param {State} state
 * @param {Decided} decided
 */
function remember(state, decided) {
  state.counts[decided.decision] += decided.count ?? 1;
  state.recent = [...state.recent, decided].slice(-MOST_RECENT);
}

/**
 * Says what has become of a decision.
 *
 * @param {State} state
 * @param {string} run
 * @param {Decision} before
 * @param {Partial<Decided> & { decision: Decision }} changes
 */
function revise(state, run, before, changes) {
  state.counts[before]--;
  state.counts[changes.decision]++;
  const last = state.recent.findLast((one) => one.run === run && one.decision === before);
  if (last !== undefined) Object.assign(last, changes);
}

/** @param {State} state @param {string} run */
function addRunning(state, run) {
  state.running = [...state.running, run].slice(-MOST_RUNNING);
}

module.exports = {
  MOST_AT_ONCE,
  MOST_WAITING,
  addRunning,
  begun,
  follow,
  goOn,
  interrupt,
  lookAgain,
  planOf,
  remember,
  revise,
};
