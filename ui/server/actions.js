'use strict';

/** What people may do. Each is one call of the client, with checked fields. */

const { Problem, asked } = require('./problem.js');

/** @typedef {import('./guard.js').Who} Who */
/** @typedef {Record<string, any>} Body */
/** @typedef {(client: any, body: Body, who: Who) => Promise<unknown>} Action */

/** @param {Body} body @param {string} field */
function required(body, field) {
  const value = body[field];
  if (typeof value !== 'string' || value === '') {
    throw new Problem(400, 'INVALID_INPUT', `${field} must be a text that is not empty`);
  }
  return value;
}

/** @param {Body} body @param {string} field @param {string} type @returns {any} */
function optional(body, field, type) {
  const value = body[field];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== type) throw new Problem(400, 'INVALID_INPUT', `${field} must be a ${type}`);
  return value;
}

/** @param {Body} body @param {string} field @returns {number} */
function whole(body, field) {
  const value = body[field];
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Problem(400, 'INVALID_INPUT', `${field} must be a whole number above 0`);
}

/** @param {Body} body */
const idOf = (body) => required(body, 'id');
/** @param {Body} body */
const reasonOf = (body) => optional(body, 'reason', 'string');

/**
 * A reason that says who gives it, for where nothing else is recorded.
 *
 * @param {Body} body
 * @param {Who} who
 */
function signed(body, { user }) {
  const reason = reasonOf(body) ?? 'from the page';
  return user === null ? reason : `${reason}, by ${user}`;
}

/** Options without those that are not given. @param {Record<string, unknown>} options */
function given(options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** @param {Body} body @param {Who} who */
function repair(body, { user }) {
  return given({ reason: reasonOf(body), by: user ?? undefined });
}

/** @type {Record<string, Action>} */
const ACTIONS = {
  async cancel(client, body, who) {
    const options = given({ graceMs: optional(body, 'graceMs', 'number') });
    return { status: await client.cancelInstance(idOf(body), signed(body, who), options) };
  },
  async terminate(client, body, who) {
    return { status: await client.terminateInstance(idOf(body), signed(body, who)) };
  },
  async retry(client, body, who) {
    const parents = given({ parents: optional(body, 'parents', 'boolean') });
    return client.retryInstance(idOf(body), { ...repair(body, who), ...parents });
  },
  async rewind(client, body, who) {
    const toEvent = { execution: whole(body, 'execution'), event: whole(body, 'event') };
    const acceptUndo = given({ acceptUndo: optional(body, 'acceptUndo', 'boolean') });
    return client.rewindInstance(idOf(body), { ...repair(body, who), toEvent, ...acceptUndo });
  },
  async raise(client, body) {
    return { status: await client.raiseEvent(idOf(body), required(body, 'name'), body.data) };
  },
  async enqueue(client, body) {
    const key = optional(body, 'idempotencyKey', 'string');
    const args = [idOf(body), required(body, 'name'), body.data ?? null];
    if (key === undefined) return { status: await client.enqueueEvent(...args) };
    return client.enqueueEvent(...args, { idempotencyKey: key });
  },
  async delete(client, body) {
    return client.deleteInstance(idOf(body), optional(body, 'force', 'boolean') ?? false);
  },
  async prune(client, body) {
    const keepLast = optional(body, 'keepLast', 'number') ?? 1;
    return client.pruneExecutions(idOf(body), { keepLast });
  },
  async pauseSchedule(client, body) {
    await client.pauseSchedule(idOf(body), reasonOf(body));
    return {};
  },
  async resumeSchedule(client, body) {
    await client.resumeSchedule(idOf(body), reasonOf(body));
    return {};
  },
  async triggerSchedule(client, body) {
    const options = body.input === undefined ? undefined : { input: body.input };
    return { instanceId: await client.triggerSchedule(idOf(body), options) };
  },
  async backfillSchedule(client, body) {
    const overlap = given({ overlap: optional(body, 'overlap', 'string') });
    const [from, to] = [required(body, 'from'), required(body, 'to')];
    return { ticks: await client.backfillSchedule(idOf(body), from, to, overlap) };
  },
  async deleteSchedule(client, body) {
    const cancelRuns = given({ cancelRuns: optional(body, 'cancelRuns', 'boolean') });
    await client.deleteSchedule(idOf(body), cancelRuns);
    return {};
  },
};

/** @param {string} text @returns {Body} */
function bodyOf(text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Problem(400, 'INVALID_INPUT', 'the request is not JSON');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Problem(400, 'INVALID_INPUT', 'the request must be an object');
  }
  return body;
}

/**
 * @param {string} name
 * @param {any} client
 * @param {string} text JSON
 * @param {Who} who
 */
async function act(name, client, text, who) {
  if (!Object.hasOwn(ACTIONS, name)) {
    throw new Problem(404, 'NOT_FOUND', `there is no action ${JSON.stringify(name)}`);
  }
  const body = bodyOf(text);
  return asked(() => ACTIONS[name](client, body, who));
}

module.exports = { act, bodyOf };
