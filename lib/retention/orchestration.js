'use strict';

const { stepTime } = require('../orchestration/during.js');
const { LIVING, QUEUE, STATE_KEY, SWEEP, SWEEP_ARCHIVING } = require('./names.js');
const { agree, merge } = require('./policy.js');

/**
 * The orchestration that deletes what is not kept any longer. There is one of it in a store, so that one runtime
 * at a time deletes. It takes what runtimes want kept as messages, goes over the instances from time to time, a
 * slice at a time with a pause after each, and continues as new after each slice.
 *
 * @typedef {import('./policy.js').Policy} Policy
 * @typedef {import('./sweep.js').Slice} Slice
 * @typedef {object} State
 * @property {number} format
 * @property {Record<string, { policy: Policy, sinceMs: number, isSeen: boolean }>} wanted what each runtime wants,
 *   by the id of its start, since when, and whether it was seen to live
 * @property {Policy | null} policy what living runtimes agreed on when the last pass began
 * @property {string} warned the ids of those that were last seen to disagree
 * @property {Slice | null} slice where the pass goes on
 * @property {number} sinceMs when the last whole pass began
 * @property {number | null} nextMs when there is something to do
 * @property {{ instances: number, executions: number }} deleted
 */

const FORMAT = 1;

/** A slice may take a hundredth of the time. */
const PAUSE = 99;
const SHORTEST_PAUSE_MS = 100;

/** How often there is a pass: ten times within the shortest time that something is kept, within bounds. */
const OFTEN_MS = 1000;
const SELDOM_MS = 3_600_000;
/** Where only numbers are bounded. */
const USUAL_MS = 60_000;

/** After something failed. */
const AGAIN_MS = 60_000;

/** How long who has just started may take to show that it lives. */
const UNSEEN_MS = 60_000;

/** @returns {State} */
const begun = () => ({
  format: FORMAT,
  wanted: {},
  policy: null,
  warned: '',
  slice: null,
  sinceMs: 0,
  nextMs: null,
  deleted: { instances: 0, executions: 0 },
});

/**
 * @param {any} ctx
 * @param {any} input
 * @returns {Generator<any, void, any>}
 */
function* runRetention(ctx, input) {
  /** @type {State} */
  const state = input?.format === FORMAT ? input : begun();
  const message = yield* sleep(ctx, state);
  if (message !== undefined) hear(state, message);
  else if (state.slice === null) yield* beginPass(ctx, state);
  else yield* doSlice(ctx, state);
  show(ctx, state);
  yield ctx.continueAsNew(state);
}

/** @param {any} ctx @param {State} state @returns {Generator<any, any, any>} a message, if there was one */
function* sleep(ctx, { nextMs }) {
  const message = ctx.dequeueEvent(QUEUE);
  if (nextMs === null) return yield message;
  const { index, value } = yield ctx.race(message, ctx.scheduleTimerAt(nextMs));
  return index === 0 ? value : undefined;
}

/**
 * Takes what a runtime wants: a pass begins anew.
 *
 * @param {State} state
 * @param {{ runtime: string, policy: Policy }} message
 */
function hear(state, { runtime, policy }) {
  state.wanted[runtime] = { policy, sinceMs: stepTime(), isSeen: false };
  state.slice = null;
  state.sinceMs = 0;
  state.nextMs = stepTime();
}

/** @param {any} ctx @param {State} state @returns {Generator<any, void, any>} */
function* beginPass(ctx, state) {
  const living = yield* tried(ctx, state, LIVING, { began: Object.keys(state.wanted) });
  if (living === null) return;
  forgetEnded(state, living);
  const policies = Object.values(state.wanted).map(({ policy }) => policy);
  state.policy = policies.length === 0 ? null : merge(policies);
  warn(ctx, state, policies);
  state.nextMs = state.policy === null ? null : stepTime();
  if (state.policy === null) return;
  const { policy, sinceMs } = state;
  state.slice = { policy, nowMs: stepTime(), sinceMs, scan: 0, seen: 0 };
  if (isNothing(policy)) endPass(state, state.slice);
}

/**
 * Forgets what runtimes want that have ended; those that have just started may not show yet.
 *
 * @param {State} state
 * @param {string[]} living
 */
function forgetEnded(state, living) {
  for (const [id, wanted] of Object.entries(state.wanted)) {
    if (living.includes(id)) wanted.isSeen = true;
    else if (wanted.isSeen || stepTime() - wanted.sinceMs > UNSEEN_MS) delete state.wanted[id];
  }
}

/** Says that a policy keeps everything. @param {Policy} policy */
function isNothing({ orchestrations, archives: _, ...rest }) {
  return [rest, ...Object.values(orchestrations)].every((rule) => Object.keys(rule).length === 0);
}

/** @param {any} ctx @param {State} state @param {Policy[]} policies */
function warn(ctx, state, policies) {
  const ids = agree(policies) ? '' : Object.keys(state.wanted).sort().join();
  if (ids !== '' && ids !== state.warned) {
    ctx.traceWarn(
      `${policies.length} runtimes have different options.retention; of each figure the largest counts: ` +
        JSON.stringify(state.policy),
    );
  }
  state.warned = ids;
}

/** @param {any} ctx @param {State} state @returns {Generator<any, void, any>} */
function* doSlice(ctx, state) {
  const slice = /** @type {Slice} */ (state.slice);
  const name = slice.policy.archives ? SWEEP_ARCHIVING : SWEEP;
  const done = yield* tried(ctx, state, name, slice);
  if (done === null) return;
  if (done.problem) ctx.traceWarn(`retention could not delete ${done.problem}`);
  state.deleted.instances += done.deleted;
  state.deleted.executions += done.executions;
  state.slice = done.next;
  if (done.next === null) endPass(state, slice);
  else state.nextMs = stepTime() + Math.max(PAUSE * done.tookMs, SHORTEST_PAUSE_MS);
}

/** @param {State} state @param {Slice} slice */
function endPass(state, { policy, nowMs }) {
  state.slice = null;
  state.sinceMs = nowMs;
  const times = [policy, ...Object.values(policy.orchestrations)]
    .flatMap(({ completed, failed }) => [completed, failed])
    .filter((time) => time !== undefined);
  const often = times.length === 0 ? USUAL_MS : Math.min(...times) / 10;
  state.nextMs = stepTime() + Math.ceil(Math.min(Math.max(often, OFTEN_MS), SELDOM_MS));
}

/**
 * Runs an activity; where that fails, there is another try later.
 *
 * @param {any} ctx
 * @param {State} state
 * @param {string} name
 * @param {object} input
 * @returns {Generator<any, any, any>} null where it failed
 */
function* tried(ctx, state, name, input) {
  try {
    return yield ctx.scheduleActivity(name, input);
  } catch (error) {
    const { message, kind } = /** @type {any} */ (error);
    if (kind === 'cancelled') throw error;
    ctx.traceWarn(`retention is tried again in a minute: ${message}`);
    state.nextMs = stepTime() + AGAIN_MS;
    return null;
  }
}

/** Shows to clients what is deleted. @param {any} ctx @param {State} state */
function show(ctx, { policy, deleted, sinceMs }) {
  ctx.setValue(STATE_KEY, JSON.stringify({ policy, deleted, lastPassAt: sinceMs || null }));
}

module.exports = { runRetention };
