'use strict';

const { ended, present } = require('./replies.js');

/** What instances wait for, and how a store is doing. */

/** @typedef {import('./handles.js').Ask} Ask */

/**
 * @param {Ask} ask
 * @param {string} instance
 */
async function describe(ask, instance) {
  const reply = await ask('describe', { instance });
  const { children, childCount, waitingFor, more, ...rest } = reply.value;
  const { historyEvents, historyBytes, messages, keys, valueBytes, ...info } = rest;
  const { orchestrationVersion } = info;
  return {
    ...ended({ value: info, payload: reply.payload }, true),
    orchestrationVersion,
    sizes: { historyEvents, historyBytes, messages, keys, valueBytes },
    children,
    childCount,
    waitingFor,
    hasMore: more,
  };
}

/** @param {Ask} ask */
async function health(ask) {
  const { value } = await ask('health', {});
  const { runtimes, waiting, sizeBytes } = value;
  const unserved = waiting.filter((/** @type {any} */ work) => work.state !== 'queued');
  return { runtimes: runtimes.map(runtime), waiting, unserved, sizeBytes };
}

/** How many instances a page has where nothing else is asked for. */
const PAGE = 100;

/**
 * @param {Ask} ask
 * @param {object} filter
 */
async function summaries(ask, filter) {
  const { value } = await ask('summaries', { limit: PAGE, ...filter });
  return { instances: value.instances.map(summary), next: value.next };
}

/**
 * @param {Ask} ask
 * @param {object} filter
 * @param {string[]} groupBy
 */
async function counts(ask, filter, groupBy) {
  const { value } = await ask('count', { ...filter, groupBy });
  const groups = value.groups.map((/** @type {any} */ told) => {
    const group = present(told);
    // What has not begun has no version yet, and what an older release has failed no kind.
    for (const by of groupBy) group[by] ??= null;
    return group;
  });
  return { count: value.count, groups, hasMore: value.more };
}

/**
 * Says whether a runtime is ready for work.
 *
 * @param {(name: string, args: object) => Promise<{ value: any }>} ask
 * @param {number} number
 * @param {() => boolean} runs
 */
async function readiness(ask, number, runs) {
  const idle = { instances: 0, activities: 0, blockedMs: 0 };
  if (!runs()) return { isReady: false, reason: 'it does not run', load: idle };
  try {
    const { value } = await ask('runtime.health', { runtime: number });
    if (!runs()) return { isReady: false, reason: 'it is shutting down', load: value };
    return { isReady: true, load: value };
  } catch (error) {
    return { isReady: false, reason: /** @type {Error} */ (error).message, load: idle };
  }
}

/** @param {any} told */
function summary(told) {
  const { hold, ...rest } = present(told);
  return { ...rest, orchestrationVersion: told.orchestrationVersion, ...(hold && { held: true }) };
}

/** Names that are nobody's: the product has registered them itself. */
const isOwn = (/** @type {string} */ name) => name.startsWith('__duroxide');

/** @param {any} told */
function runtime({ startedMs, seenMs, level, tags, activities, orchestrations, ...rest }) {
  const { mode, tags: names } = tags;
  const filter = mode === 'tags' || mode === 'defaultAnd' ? { [mode]: names } : mode;
  const shown = Object.entries(orchestrations).filter(([name]) => !isOwn(name));
  return present({
    ...rest,
    orchestrations: Object.fromEntries(shown),
    activities: activities.filter((/** @type {string} */ name) => !isOwn(name)),
    tags: filter,
    startedAt: startedMs,
    seenAt: seenMs,
  });
}

module.exports = { counts, describe, health, readiness, summaries };
