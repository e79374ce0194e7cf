'use strict';

const { DEFINITION_KEY, STATE_KEY, runInstance, scheduleOf, tickText } = require('./names.js');
const { ticksAfter } = require('./ticks.js');

/** What clients are shown of a schedule: plain objects, in which what does not apply is absent. */

/** How many runs are foreseen. */
const FORESEEN = 10;

/**
 * What is stored of a schedule.
 *
 * @typedef {{
 *   info: any, definition: import('./definition.js').Definition | null,
 *   state: (Omit<import('./state.js').State, 'waiting' | 'backfills'> &
 *     { waiting: string[], backfills: { from: number, to: number, overlap: string }[] }) | null,
 * }} Stored the last two are null until a runtime has taken the schedule up
 */

/**
 * @param {any} info of its instance
 * @param {Record<string, string>} values
 * @returns {Stored}
 */
function storedOf(info, values) {
  const read = (/** @type {string} */ key) =>
    values[key] === undefined ? null : JSON.parse(values[key]);
  return { info, definition: read(DEFINITION_KEY), state: read(STATE_KEY) };
}

/** Says whether an instance has ended; one that continues as new has not. @param {any} info */
const isOver = ({ status }) => status === 'Completed' || status === 'Failed';

/** @param {Stored} stored */
function stageOf({ info, state }) {
  if (isOver(info)) return 'failed';
  if (state === null) return 'new';
  if (state.paused) return 'paused';
  return state.next === null ? 'ended' : 'active';
}

/**
 * Gives a definition as it might have been written.
 *
 * @param {import('./definition.js').Definition} definition
 */
function definitionShown({ every, ...rest }) {
  const shown = every && { every: { interval: every.ms, offset: every.offsetMs } };
  return Object.fromEntries(
    Object.entries({ ...shown, ...rest }).filter(([, value]) => value !== null),
  );
}

/** @param {string} id @param {import('./state.js').Decided} decided */
function runShown(id, { run, tickMs, decision, atMs, lateMs, ...rest }) {
  const instanceId = runInstance(id, run);
  return { instanceId, tick: tickMs, decision, decidedAt: atMs, lateMs, ...rest };
}

/**
 * @param {Stored} stored
 * @returns {Record<string, any>}
 */
function summary(stored) {
  const { info, definition, state } = stored;
  const id = scheduleOf(info.instanceId);
  /** @type {Record<string, any>} */
  const shown = { scheduleId: id, stage: stageOf(stored), createdAt: info.createdAt };
  if (info.error !== undefined) shown.error = info.error;
  if (definition !== null) shown.definition = definitionShown(definition);
  if (state === null) return shown;
  const { paused, next, recent, counts, waiting, backfills, declared } = state;
  if (declared !== null) shown.declared = declared;
  if (paused !== null) shown.paused = { since: paused.sinceMs, note: paused.note ?? '' };
  if (next !== null) shown.next = { tick: next.tickMs, due: next.dueMs };
  if (recent.length > 0) shown.last = runShown(id, /** @type {any} */ (recent.at(-1)));
  if (waiting.length > 0) shown.waiting = waiting.map((run) => runInstance(id, run));
  if (backfills.length > 0) shown.backfills = backfills;
  return { ...shown, counts };
}

/**
 * @param {Stored} stored
 * @param {(instanceId: string) => Promise<any>} infoOf of a run, null where it is not there any more
 */
async function described(stored, infoOf) {
  const { definition, state } = stored;
  const shown = summary(stored);
  if (definition === null || state === null) {
    return { ...shown, waitsFor: waitsFor(stored, []), nextTicks: [], lastRuns: [], running: [] };
  }
  const lastRuns = [];
  for (const decided of state.recent) {
    const run = runShown(state.id, decided);
    const info = decided.decision === 'started' ? await infoOf(run.instanceId) : null;
    lastRuns.push({ ...run, ...(decided.decision === 'started' && outcomeOf(info)) });
  }
  const running = await runningOf(state, infoOf);
  return {
    ...shown,
    waitsFor: waitsFor(stored, running),
    nextTicks: ticksAfter(definition, state.positionMs, FORESEEN),
    lastRuns,
    running: running.map(({ instanceId }) => instanceId),
  };
}

/** @param {any} info */
function outcomeOf(info) {
  if (info === null) return { status: 'NotFound' };
  if (!isOver(info)) return { status: 'Running' };
  const { status, updatedAt, error } = info;
  return { status, endedAt: updatedAt, ...(error !== undefined && { error }) };
}

/** @param {{ id: string, running: string[] }} state @param {(instanceId: string) => Promise<any>} infoOf */
async function runningOf({ id, running }, infoOf) {
  const infos = [];
  for (const run of running) infos.push(await infoOf(runInstance(id, run)));
  return infos.filter((info) => info !== null && !isOver(info));
}

/**
 * Says what happens next, or why nothing does.
 *
 * @param {Stored} stored
 * @param {any[]} running
 */
function waitsFor({ info, state }, running) {
  if (isOver(info)) return 'nothing: it has ended; schedule it again, or delete it';
  if (state === null) return 'a runtime with schedules, which has not taken it up yet';
  return [next(state), ...behind(state, running), ...running.filter(isNew).map(forCode)].join('; ');
}

/** @param {NonNullable<Stored['state']>} state @param {any[]} running */
function behind({ id, waiting }, running) {
  if (waiting.length === 0 || running.length === 0) return [];
  return [`'${runInstance(id, waiting[0])}' waits for the end of '${running[0].instanceId}'`];
}

/** @param {Pick<import('./state.js').State, 'paused' | 'next'>} state */
function next({ paused, next: tick }) {
  if (paused) return `being resumed${paused.note ? `: ${paused.note}` : ''}`;
  return tick === null ? 'nothing: there is no tick any more' : `the tick ${tickText(tick.tickMs)}`;
}

/** @param {any} info */
const isNew = (info) => info.orchestrationVersion === null;

/** @param {any} info */
const forCode = ({ instanceId, orchestrationName }) =>
  `'${instanceId}' waits for a runtime that has '${orchestrationName}'`;

module.exports = { described, storedOf, summary };
