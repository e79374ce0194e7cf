'use strict';

const check = require('../check.js');
const { DuroxideError } = require('../errors.js');
const { queueOfEvent } = require('../registered.js');

/** What tests wait for in an instance, and what instances wait for. */

/** @typedef {InstanceType<typeof import('../client.js')['Client']>} Client */
/** @typedef {{ eventId: number, kind: string, sourceEventId?: number, data?: string }} Event */
/** @typedef {(client: Client, id: string, status: any) => unknown} Condition */

/** Waiting begins with the first kind of event and ends with one of the others. */
const WAITS = [
  { opens: 'ActivityScheduled', closes: ['ActivityCompleted', 'ActivityFailed'], word: 'activity' },
  { opens: 'TimerCreated', closes: ['TimerFired'], word: 'timer' },
  {
    opens: 'SubOrchestrationScheduled',
    closes: ['SubOrchestrationCompleted', 'SubOrchestrationFailed'],
    word: 'orchestration',
  },
  { opens: 'PromiseMade', closes: ['PromiseResolved', 'PromiseRejected'], word: 'promise' },
];

/** These are answered by name, in the order in which they were opened. */
const SUBSCRIPTIONS = [
  {
    opens: 'ExternalSubscribed',
    takes: 'ExternalEvent',
    drops: 'ExternalSubscribedCancelled',
    word: 'event',
  },
  {
    opens: 'QueueSubscribed',
    takes: 'QueueEventDelivered',
    drops: 'QueueSubscriptionCancelled',
    word: 'queue',
  },
];

/** @param {Event} event */
const dataOf = ({ data }) => (data === undefined ? {} : JSON.parse(data));

/**
 * Gives what a history waits for: its kind, and its name if it has one.
 *
 * @param {Event[]} events
 * @returns {{ kind: string, name: string }[]}
 */
function openWaits(events) {
  const found = [];
  for (const { opens, closes, word } of WAITS) {
    const kinds = [...closes, opens.replace(/Scheduled|Created/, 'CancelRequested')];
    const closed = new Set(
      events.filter(({ kind }) => kinds.includes(kind)).map((event) => event.sourceEventId),
    );
    for (const event of events) {
      if (event.kind !== opens || closed.has(event.eventId)) continue;
      found.push({ kind: word, name: nameOfWait(event) });
    }
  }
  for (const subscription of SUBSCRIPTIONS) {
    for (const name of openSubscriptions(events, subscription)) {
      found.push({ kind: subscription.word, name });
    }
  }
  return found;
}

/** @param {Event} event */
function nameOfWait(event) {
  const { name, fireAtMs } = dataOf(event);
  if (event.kind === 'PromiseMade') return String(event.eventId);
  return name ?? new Date(fireAtMs).toISOString();
}

/**
 * @param {Event[]} events
 * @param {{ opens: string, takes: string, drops: string }} kinds
 */
function openSubscriptions(events, { opens, takes, drops }) {
  const dropped = new Set(
    events.filter(({ kind }) => kind === drops).map((event) => event.sourceEventId),
  );
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const event of events) {
    const step = { [opens]: 1, [takes]: -1 }[event.kind];
    if (step === undefined || dropped.has(event.eventId)) continue;
    const { name } = dataOf(event);
    counts.set(name, (counts.get(name) ?? 0) + step);
  }
  return [...counts].filter(([, count]) => count > 0).map(([name]) => name);
}

/**
 * Gives what an instance waits for.
 *
 * @param {Client} client
 * @param {string} id
 */
async function waitsOf(client, id) {
  const execution = (await client.listExecutions(id)).at(-1);
  return execution === undefined ? [] : openWaits(await client.readExecutionHistory(id, execution));
}

/** @param {string} kind @param {string} wanted @returns {Condition} */
const waits = (kind, wanted) => async (client, id) =>
  (await waitsOf(client, id)).some((wait) => wait.kind === kind && wait.name === wanted);

/** @type {Record<string, (argument: string, value: any) => Condition>} */
const CONDITIONS = {
  event(argument, value) {
    const queue = queueOfEvent(value);
    return queue === null
      ? waits('event', check.name(argument, nameOf(value)))
      : waits('queue', queue);
  },
  queue: (argument, value) => waits('queue', check.name(argument, nameOf(value))),
  activity: (argument, value) => waits('activity', check.name(argument, nameOf(value))),
  orchestration: (argument, value) => waits('orchestration', check.name(argument, nameOf(value))),
  status(argument, value) {
    const wanted = check.string(argument, value);
    return (_client, _id, { status }) => status === wanted;
  },
  customStatus(argument, value) {
    const wanted = check.string(argument, value);
    return (_client, _id, { customStatus }) => customStatus === wanted;
  },
  value(argument, value) {
    const key = check.string(argument, value);
    return async (client, id) => (await client.getValue(id, key)) !== null;
  },
};

/** @param {any} value */
const nameOf = (value) => (typeof value === 'object' && value !== null ? value.name : value);

/**
 * Makes one condition of what waitUntil is given.
 *
 * @param {unknown} wanted
 * @returns {Condition}
 */
function condition(wanted) {
  if (typeof wanted === 'function') return (_client, _id, status) => wanted(status);
  const all = Object.values(check.options('condition', wanted, CONDITIONS));
  if (all.length === 0) {
    const known = Object.keys(CONDITIONS).join(', ');
    throw new TypeError(`condition must be a function, or an object with one of: ${known}`);
  }
  return async (client, id, status) => {
    for (const holds of all) if (!(await holds(client, id, status))) return false;
    return true;
  };
}

/**
 * Gives the error for an instance that ended before what a test waited for.
 *
 * @param {string} id
 * @param {any} ended
 */
function endedBefore(id, ended) {
  const how = ended.status === 'Failed' ? `Failed: ${ended.error}` : ended.status;
  return new DuroxideError(`'${id}' ended (${how}) before what was waited for`, {
    code: 'INVALID_STATE',
  });
}

/**
 * Says what every running instance waits for.
 *
 * @param {Client} client
 */
async function describeRunning(client) {
  const most = 10;
  const ids = await client.listInstancesByStatus('Running');
  const texts = [];
  for (const id of ids.slice(0, most)) {
    const open = await waitsOf(client, id);
    const what = open.map(({ kind, name }) => `${kind} '${name}'`).join(', ') || 'nothing';
    texts.push(`'${id}' waits for ${what}`);
  }
  if (ids.length > most) texts.push(`and ${ids.length - most} more`);
  return texts;
}

module.exports = { condition, describeRunning, endedBefore };
