'use strict';

const { unless } = require('../errors.js');
const { ScheduleClient } = require('../schedules/client.js');
const { INSTANCE, ORCHESTRATION, QUEUE, STATE_KEY } = require('./names.js');
const { checkRetention } = require('./policy.js');
const { isEndedRoot, scansOf } = require('./scans.js');

/**
 * Says what a runtime wants kept.
 *
 * @param {any} client
 * @param {string} runtime the id of its start
 * @param {import('./policy.js').Policy} policy
 */
async function declareRetention(client, runtime, policy) {
  for (;;) {
    const { status } = await client.getStatus(INSTANCE);
    if (status === 'Running') break;
    // One that was cancelled begins anew.
    if (status !== 'NotFound') await unless('INSTANCE_NOT_FOUND', client.deleteInstance(INSTANCE));
    const start = client.start(ORCHESTRATION, INSTANCE, null, { rejectIfExists: true });
    if (await unless('INSTANCE_EXISTS', start)) break;
  }
  await client.enqueueEvent(INSTANCE, QUEUE, { runtime, policy });
}

/** How many instances are asked for at once. */
const PAGE = 500;

/** @typedef {{ name: string, status: string, updatedAt: number }} Ended */

/**
 * Gives what a pass would delete now, with what the passes before have deleted.
 *
 * @param {any} client
 * @param {unknown} given the policy; that of the runtimes by default
 */
async function preview(client, given) {
  const asked = given ?? null;
  const other = asked === null ? null : checkRetention('policy', asked).policy;
  const text = await client.getValue(INSTANCE, STATE_KEY);
  const told = text === null ? { policy: null, deleted: null, lastPassAt: null } : JSON.parse(text);
  const policy = other ?? told.policy;
  const doomed = policy === null ? [] : await doomedBy(client, policy);
  return { ...told, policy, instances: doomed.length, groups: grouped(doomed) };
}

/**
 * Gives the instances that a policy would delete, each once.
 *
 * @param {any} client
 * @param {import('./policy.js').Policy} policy
 */
async function doomedBy(client, policy) {
  /** @type {Map<string, Ended>} */
  const doomed = new Map();
  for (const { does, filter, takes } of scansOf(policy, Date.now())) {
    if (does !== 'delete') continue;
    let seen = 0;
    for await (const summary of all(client, filter)) {
      const { instanceId: id, orchestrationName: name, status, updatedAt } = summary;
      if (takes(summary, seen)) doomed.set(id, { name, status, updatedAt });
      if (isEndedRoot(summary)) seen += 1;
    }
  }
  return [...doomed.values()];
}

/**
 * @param {any} client
 * @param {object} filter
 * @returns {AsyncGenerator<any>}
 */
async function* all(client, filter) {
  /** @type {string | null | undefined} */
  let after;
  do {
    /** @type {{ instances: any[], next: string | null }} */
    const page = await client.listInstances({ ...filter, limit: PAGE, ...(after && { after }) });
    yield* page.instances;
    after = page.next;
  } while (after !== null);
}

/** @param {Ended[]} doomed */
function grouped(doomed) {
  /** @type {Map<string, any>} */
  const groups = new Map();
  for (const { name, status, updatedAt } of doomed) {
    const key = `${status} ${name}`;
    const group = groups.get(key) ?? { name, status, instances: 0, oldestAt: updatedAt };
    const oldestAt = Math.min(group.oldestAt, updatedAt);
    groups.set(key, { ...group, instances: group.instances + 1, oldestAt });
  }
  return [...groups.values()];
}

/** Its documentation is in index.d.ts. */
class RetentionClient extends ScheduleClient {
  /** @param {unknown} [policy] */
  async previewRetention(policy) {
    return preview(this, policy);
  }
}

module.exports = { RetentionClient, declareRetention };
