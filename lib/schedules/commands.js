'use strict';

const { isBranch } = require('../orchestration/descriptor.js');
const { recorded, start, stillRunning } = require('./deciding.js');
const { gapsIn, withInterval } = require('./intervals.js');
const { answerKey, manualText, runInstance } = require('./names.js');
const { goOn, interrupt, remember, revise } = require('./state.js');
const { ticksIn } = require('./ticks.js');

/**
 * What a schedule is told: by clients, and by the engine where the id of a run was taken. Each command gives what
 * its client is answered.
 *
 * @typedef {import('./deciding.js').Work} Work
 * @typedef {import('./state.js').State} State
 */

/** How long an answer is kept for its client, and how many are. */
const ANSWER_MS = 60_000;
const MOST_ANSWERS = 50;
/** How many ticks of a backfill are counted. */
const MOST_COUNTED = 10_000;
/** How many backfills may be under way. */
const MOST_BACKFILLS = 20;

/** Some of them ask the engine first. @type {Record<string, (work: Work, command: any) => any>} */
const COMMANDS = { update, declare, pause, resume, trigger, backfill, stop, idTaken };

/**
 * Does what a message says. One that is none of ours changes nothing.
 *
 * @param {Work} work
 * @param {any} command
 * @returns {Generator<any, void, any>}
 */
function* obey(work, command) {
  const { ctx, state, nowMs } = work;
  const name = typeof command === 'object' && command !== null ? command.do : undefined;
  if (typeof name !== 'string' || !Object.hasOwn(COMMANDS, name)) {
    ctx.traceWarn({ schedule: state.id, message: command }, 'a message that schedules do not know');
    return;
  }
  const done = COMMANDS[name](work, command);
  const answer = isBranch(done) ? yield* done : done;
  if (typeof command.request !== 'string') return;
  ctx.setValue(answerKey(command.request), JSON.stringify(answer ?? null));
  state.answers.push([command.request, nowMs]);
}

/** Forgets answers that their clients have had time to take. @param {Work} work */
function forgetAnswers({ ctx, state, nowMs }) {
  const keeps = state.answers.slice(-MOST_ANSWERS).filter(([, atMs]) => atMs > nowMs - ANSWER_MS);
  for (const answer of state.answers) {
    if (!keeps.includes(answer)) ctx.clearValue(answerKey(answer[0]));
  }
  state.answers = keeps;
}

/**
 * Another definition. What was due is decided by now, so that it is for what comes (S3).
 *
 * @param {Work} work
 * @param {{ definition: import('./definition.js').Definition }} command
 */
function update({ ctx, state, nowMs }, { definition }) {
  const before = state.definition;
  if (JSON.stringify(before) === JSON.stringify(definition) || isOlder(definition, before)) return;
  state.definition = definition;
  if (!state.paused) state.positionMs = Math.max(state.positionMs, nowMs);
  ctx.traceInfo({ schedule: state.id, before, after: definition }, 'the schedule was changed');
}

/**
 * Says whether a definition is of an earlier revision than another one.
 *
 * @param {{ revision: number | null }} one
 * @param {{ revision: number | null }} other
 */
function isOlder(one, other) {
  return one.revision !== null && other.revision !== null && one.revision < other.revision;
}

/**
 * Code says that it declares the schedule, or does so no longer.
 *
 * @param {Work} work
 * @param {{ declared: { by: string, isCurrent: boolean } }} command
 */
function declare({ state }, { declared }) {
  state.declared = declared;
}

/** @param {Work} work @param {{ note: string | null }} command */
function pause({ ctx, state, nowMs }, { note }) {
  // The ticks from now on are nobody's.
  if (!state.paused) interrupt(state, Math.max(state.positionMs, nowMs));
  state.paused = { sinceMs: state.paused?.sinceMs ?? nowMs, note };
  ctx.traceInfo({ schedule: state.id, note }, 'the schedule was paused');
}

/** @param {Work} work @param {{ note: string | null }} command */
function resume({ ctx, state, nowMs }, { note }) {
  if (!state.paused) return;
  goOn(state, nowMs);
  state.paused = null;
  ctx.traceInfo({ schedule: state.id, note }, 'the schedule was resumed');
}

/**
 * Starts a run now, whatever else runs, under the next number that is free.
 *
 * @param {Work} work
 * @param {{ input?: unknown }} command
 * @returns {Generator<any, unknown, any>}
 */
function* trigger(work, { input }) {
  const { state, nowMs } = work;
  let instanceId;
  let run;
  do {
    run = manualText(++state.manual);
    instanceId = runInstance(state.id, run);
  } while ((yield { type: 'getStatus', instanceId }) !== null);
  yield* start(work, { run, tickMs: nowMs, manual: true, input });
  remember(state, { run, tickMs: nowMs, decision: 'started', atMs: nowMs, lateMs: 0 });
  return { instanceId };
}

/**
 * Takes ticks on that nothing was started for: those before the schedule, while it was paused, and missed ones.
 *
 * @param {Work} work
 * @param {{ from: number, to: number, overlap: string }} command
 * @returns {Generator<any, unknown, any>}
 */
function* backfill({ ctx, state, nowMs }, { from, to, overlap }) {
  if (state.backfills.length === MOST_BACKFILLS) {
    return { error: `${MOST_BACKFILLS} backfills are under way: wait until one is done` };
  }
  // What is to come is no business of a backfill.
  const last = Math.min(to - 1, nowMs);
  if (from > last) return { ticks: 0, isLeast: false };
  const decided = state.paused
    ? state.decided
    : withInterval(state.decided, [state.sinceMs, state.positionMs]);
  const gaps = gapsIn(decided, [from, last]);
  state.decided = withInterval(state.decided, [from, last]);
  const ticks = yield* recorded(
    ctx,
    state.definition,
    () => ticksIn(state.definition, gaps, MOST_COUNTED + 1).length,
  );
  if (ticks > 0) state.backfills.push({ gaps, overlap });
  state.lookAtMs = nowMs;
  return { ticks: Math.min(ticks, MOST_COUNTED), isLeast: ticks > MOST_COUNTED };
}

/**
 * Starts nothing any more, and says what still runs.
 *
 * @param {Work} work
 * @returns {Generator<any, unknown, any>}
 */
function* stop(work) {
  const { state } = work;
  pause(work, { note: 'it is being deleted' });
  state.waiting = [];
  state.backfills = [];
  yield* stillRunning(work);
  return { running: state.running.map((run) => runInstance(state.id, run)) };
}

/**
 * Somebody else lives at the id of a run.
 *
 * @param {Work} work
 * @param {{ instance: string }} command
 */
function idTaken({ ctx, state }, { instance }) {
  const run = String(instance).slice(state.id.length + 1);
  state.running = state.running.filter((one) => one !== run);
  revise(state, run, 'started', { decision: 'idTaken', reason: undefined });
  ctx.traceWarn({ schedule: state.id, instance }, 'the id of a run was taken by somebody else');
}

module.exports = { forgetAnswers, isOlder, obey };
