'use strict';

/** What the pages show, read through the client. Each view is JSON and bounded in size. */

const { failureOf, reader } = require('./history.js');
const { Problem, asked } = require('./problem.js');
const { asText, parsed, payload } = require('./redact.js');

/**
 * @typedef {object} Context
 * @property {any} client
 * @property {import('./redact.js').Redact} redact
 * @property {InstanceType<typeof import('./counts.js').Counts>} counts
 * @property {InstanceType<typeof import('./rates.js').Rates>} rates
 * @property {InstanceType<typeof import('./activities.js').Samples>} samples
 *
 * @typedef {URLSearchParams} Query
 */

const PAGE = 50;
const MOST_EVENTS = 500;
/** How long values are in what is sent again and again; histories show more. */
const SHORT = 2_048;
const MOST_IN_TREE = 200;

/** @param {Query} query @param {string} name */
function text(query, name) {
  const value = query.get(name);
  if (value === null || value === '') throw new Problem(400, 'INVALID_INPUT', `${name} is missing`);
  return value;
}

/** @param {Query} query @param {string} name @param {number | undefined} [otherwise] */
function number(query, name, otherwise) {
  const value = query.get(name);
  if (value === null || value === '') return otherwise;
  const read = Number(value);
  if (!Number.isSafeInteger(read) || read < 0) {
    throw new Problem(400, 'INVALID_INPUT', `${name} must be a whole number, not ${value}`);
  }
  return read;
}

/** The page of a list that a query asks for. @param {Query} query */
function listed(query) {
  /** @type {Record<string, unknown>} */
  const filter = { limit: Math.min(number(query, 'limit', PAGE) ?? PAGE, 200) };
  for (const name of [
    'status',
    'name',
    'version',
    'idPrefix',
    'parent',
    'failure',
    'orderBy',
    'after',
  ]) {
    const value = query.get(name);
    if (value) filter[name] = value;
  }
  for (const name of ['createdFrom', 'createdBefore', 'updatedFrom', 'updatedBefore']) {
    const value = number(query, name);
    if (value !== undefined) filter[name] = value;
  }
  if (query.get('held')) filter.held = query.get('held') === 'true';
  return filter;
}

/** What is shown of an instance as it is. What a later release adds may be the application's. */
const FACTS = [
  ...['instanceId', 'orchestrationName', 'orchestrationVersion', 'currentExecutionId', 'status'],
  ...['createdAt', 'updatedAt', 'parentInstanceId', 'held', 'failureKind'],
  ...['sizes', 'children', 'childCount', 'hasMore'],
];

/** @param {any} told */
function factsOf(told) {
  return Object.fromEntries(Object.entries(told).filter(([name]) => FACTS.includes(name)));
}

/** @param {Context} context @param {any} told */
function summary({ redact }, told) {
  const facts = factsOf(told);
  if (told.cancelling === undefined) return facts;
  return { ...facts, cancelling: hiddenReason(redact, told, told.cancelling) };
}

/** @param {import('./redact.js').Redact} redact @param {any} of @param {any} told */
function hiddenReason(redact, of, told) {
  const about = { name: of.orchestrationName, instanceId: of.instanceId };
  return { ...told, reason: asText(redact(told.reason, { ...about, kind: 'reason' })) };
}

/** Health, or why the store does not tell. @param {Context} context */
async function healthOf({ client }) {
  try {
    return { health: await client.getHealth() };
  } catch (error) {
    if (/** @type {any} */ (error)?.code !== 'READ_ONLY') throw error;
    return { health: null, reason: 'the store was opened to be read only' };
  }
}

/** @param {Context} context */
async function overview(context) {
  const { client, rates } = context;
  return asked(async () => {
    const [health, counts, queues, failed, completed] = await Promise.all([
      healthOf(context),
      context.counts.latest(),
      client.getQueueDepths(),
      client.listInstances({ status: 'Failed', limit: 5 }),
      client.listInstances({ status: 'Completed', limit: 100 }),
    ]);
    return {
      ...health,
      counts,
      queues,
      failed: failed.instances.map((/** @type {any} */ told) => summary(context, told)),
      rates: rates.note(counts),
      durations: durations(completed.instances),
    };
  });
}

/** Of the instances that were started last and have completed. @param {any[]} instances */
function durations(instances) {
  if (instances.length === 0) return null;
  const sorted = instances.map((each) => each.updatedAt - each.createdAt).sort((a, b) => a - b);
  const at = (/** @type {number} */ part) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}

/** @param {Context} context @param {Query} query */
async function instances(context, query) {
  const filter = listed(query);
  return asked(async () => {
    const [page, counts] = await Promise.all([
      context.client.listInstances(filter),
      context.counts.latest(),
    ]);
    return {
      instances: page.instances.map((/** @type {any} */ told) => summary(context, told)),
      next: page.next,
      counts,
    };
  });
}

/** @param {Context} context @param {Query} query */
async function instance({ client, redact }, query) {
  const id = text(query, 'id');
  return asked(async () => {
    const [told, { customStatus }, executions, values] = await Promise.all([
      client.describe(id),
      client.getStatus(id),
      client.listExecutions(id),
      client.getKvAllValues(id),
    ]);
    const { output, error, failure, hold, cancelling, waitingFor } = told;
    const of = { name: told.orchestrationName, instanceId: id };
    const hide = (/** @type {any} */ kind, /** @type {unknown} */ value, name = of.name) =>
      payload(redact(value, { instanceId: id, name, kind }), SHORT);
    return {
      ...factsOf(told),
      ...failureOf(redact, { failure, error }, of),
      ...(hold && { hold: hiddenHold(redact, hold, of) }),
      ...(cancelling && { cancelling: hiddenReason(redact, told, cancelling) }),
      ...(told.status === 'Completed' && { output: hide('output', output ?? null) }),
      ...(customStatus !== undefined && {
        customStatus: hide('customStatus', parsed(customStatus)),
      }),
      waitingFor: waitingFor.map((/** @type {any} */ wait) => hiddenWait(redact, wait, id)),
      executions: executions.slice(-100),
      executionCount: executions.length,
      values: Object.entries(values).map(([key, value]) => ({
        key,
        value: hide('value', parsed(String(value)), key),
      })),
    };
  });
}

/** @param {import('./redact.js').Redact} redact @param {any} hold @param {any} of */
function hiddenHold(redact, hold, of) {
  const hidden = { ...hold };
  for (const field of ['reason', 'asked', 'recorded']) {
    if (hold[field] !== undefined) {
      hidden[field] = asText(redact(hold[field], { ...of, kind: 'error' }));
    }
  }
  return hidden;
}

/**
 * @param {import('./redact.js').Redact} redact
 * @param {any} wait
 * @param {string} instanceId
 * @returns {any}
 */
function hiddenWait(redact, wait, instanceId) {
  const { after, error, heartbeat: _, waitingFor, ...rest } = wait;
  const about = { kind: /** @type {const} */ ('error'), name: wait.name ?? null, instanceId };
  return {
    ...rest,
    ...(error !== undefined && { error: asText(redact(error, about)) }),
    ...(after && {
      after: {
        ...after,
        error: asText(redact(after.error, { ...about, name: after.activity })),
      },
    }),
    ...(waitingFor && {
      waitingFor: waitingFor.map((/** @type {any} */ of) =>
        hiddenWait(redact, of, wait.instanceId),
      ),
    }),
  };
}

/** Events of an execution: the last ones, or those before one. @param {Context} context @param {Query} query */
async function history({ client, redact }, query) {
  const id = text(query, 'id');
  const before = number(query, 'before');
  const events = await asked(async () => {
    const execution = number(query, 'execution') ?? (await client.listExecutions(id)).at(-1);
    return client.readExecutionHistory(id, execution ?? 1);
  });
  const until = before === undefined ? events.length : events.findIndex(reaches(before));
  const end = until < 0 ? events.length : until;
  const from = Math.max(0, end - MOST_EVENTS);
  return {
    events: reader(id, redact)(events.slice(0, end), from),
    hasEarlier: from > 0,
    total: events.length,
  };
}

/** @param {number} before */
function reaches(before) {
  return (/** @type {any} */ event) => event.eventId >= before;
}

/** An instance and what lives below it, as far as that is not too much. @param {Context} context @param {Query} query */
async function tree(context, query) {
  const id = text(query, 'id');
  const { client } = context;
  return asked(async () => {
    const nodes = [summary(context, await client.getInstanceInfo(id))];
    let hasMore = false;
    for (let at = 0; at < nodes.length && !hasMore; at++) {
      const left = MOST_IN_TREE - nodes.length;
      if (left <= 0) {
        hasMore = true;
        break;
      }
      const page = await client.listInstances({ parent: nodes[at].instanceId, limit: left });
      nodes.push(...page.instances.map((/** @type {any} */ told) => summary(context, told)));
      hasMore = page.next !== null;
    }
    return { nodes, hasMore };
  });
}

/** @param {Context} context */
async function runtimes(context) {
  return asked(() => healthOf(context));
}

module.exports = { healthOf, history, instance, instances, number, overview, runtimes, text, tree };
