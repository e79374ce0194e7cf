'use strict';

/** What activities do, read from the histories of the instances that were started last: no store counts them. */

const { asked } = require('./problem.js');
const { asText } = require('./redact.js');

/** @typedef {import('./views.js').Context} Context */

/**
 * What an instance's history says of its activities.
 *
 * @typedef {{ name: string, at: number, ms: number | null, attempts: number | null,
 *   error: { name: string, message: string } | null }} Call
 */

const INSTANCES = 50;
/** Histories above it are left out. */
const MOST_BYTES = 1 << 20;
const READS = 4;
const MOST_GROUPS = 5;
const OWN = '__duroxide';

/** Upper ends of the classes of latencies, in milliseconds; the last class has none. */
const CLASSES = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 60_000];

/** @param {string} text */
function nameIn(text) {
  return String(JSON.parse(text).name);
}

/** @param {any[]} events @returns {Call[]} */
function callsOf(events) {
  const open = new Map();
  /** @type {Call[]} */
  const calls = [];
  for (const { eventId, kind, data, timestampMs, sourceEventId, failure } of events) {
    if (kind === 'ActivityScheduled') {
      const name = nameIn(data);
      if (name.startsWith(OWN)) continue;
      open.set(eventId, { name, at: timestampMs, ms: null, attempts: null, error: null });
      calls.push(open.get(eventId));
      continue;
    }
    const call = open.get(sourceEventId);
    if (call === undefined || !/^Activity(Completed|Failed)$/.test(kind)) continue;
    call.ms = timestampMs - call.at;
    if (failure === undefined) continue;
    call.attempts = failure.attempts ?? null;
    call.error = { name: failure.name, message: failure.message };
  }
  return calls;
}

/** @param {any} client @param {string} id @param {number} execution @returns {Promise<Call[] | null>} */
async function read(client, id, execution) {
  const stats = await client.getOrchestrationStats(id);
  // It has not begun.
  if (stats === null) return [];
  if (stats.historySizeBytes > MOST_BYTES) return null;
  return callsOf(await client.readExecutionHistory(id, execution));
}

/** Remembers what was read of instances that have not gone on since. */
class Samples {
  /** @type {Map<string, { version: string, calls: Call[] | null }>} */
  #read = new Map();

  /** @param {any} client */
  async take(client) {
    const { instances } = await client.listInstances({ limit: INSTANCES });
    const kept = new Map();
    const left = [...instances];
    const worker = async () => {
      for (let told = left.shift(); told !== undefined; told = left.shift()) {
        const {
          instanceId: id,
          currentExecutionId: execution,
          updatedAt,
          status,
          createdAt,
        } = told;
        const version = `${createdAt} ${execution} ${updatedAt} ${status}`;
        const before = this.#read.get(id);
        const isSame = before?.version === version;
        const calls = isSame ? before.calls : await read(client, id, execution).catch(() => null);
        kept.set(id, { version, calls });
      }
    };
    await Promise.all(Array.from({ length: READS }, worker));
    this.#read = kept;
    return kept;
  }
}

/** @param {number[]} sorted @param {number} part */
function quantile(sorted, part) {
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** @param {number[]} latencies */
function histogram(latencies) {
  const counts = Array.from({ length: CLASSES.length + 1 }, () => 0);
  for (const ms of latencies) {
    const at = CLASSES.findIndex((end) => ms <= end);
    counts[at < 0 ? CLASSES.length : at] += 1;
  }
  return counts;
}

/**
 * Failures that say the same, the most frequent first.
 *
 * @param {(Call & { id: string })[]} calls
 * @param {import('./redact.js').Redact} redact
 */
function groups(calls, redact) {
  /** @type {Map<string, { error: string, count: number, instanceId: string, at: number }>} */
  const found = new Map();
  for (const { id, name, at, error } of calls) {
    if (error === null) continue;
    const told = `${error.name}: ${error.message}`;
    const text = asText(redact(told, { kind: 'error', name, instanceId: id })).slice(0, 500);
    // Numbers in it are what differs as a rule.
    const key = text.replaceAll(/\d+/g, '#');
    const group = found.get(key) ?? { error: text, count: 0, instanceId: id, at };
    found.set(key, { ...group, count: group.count + 1, at: Math.max(at, group.at) });
  }
  return [...found.values()].sort((a, b) => b.count - a.count).slice(0, MOST_GROUPS);
}

/** @param {string} name @param {(Call & { id: string })[]} calls @param {import('./redact.js').Redact} redact */
function activity(name, calls, redact) {
  const latencies = calls.flatMap(({ ms }) => (ms === null ? [] : [ms])).sort((a, b) => a - b);
  const failed = calls.filter(({ error }) => error !== null);
  const attempts = failed.map((call) => call.attempts ?? 1);
  return {
    name,
    calls: calls.length,
    open: calls.length - latencies.length,
    failed: failed.length,
    attempts: attempts.length === 0 ? null : Math.max(...attempts),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    histogram: histogram(latencies),
    groups: groups(calls, redact),
  };
}

/** @param {Context} context */
async function activities({ client, redact, samples }) {
  const read = await asked(() => samples.take(client));
  /** @type {Map<string, (Call & { id: string })[]>} */
  const byName = new Map();
  let leftOut = 0;
  for (const [id, { calls }] of read) {
    if (calls === null) leftOut += 1;
    for (const call of calls ?? []) {
      byName.set(call.name, [...(byName.get(call.name) ?? []), { ...call, id }]);
    }
  }
  const all = [...byName.values()].flat().map(({ at }) => at);
  return {
    instances: read.size,
    leftOut,
    from: all.length === 0 ? null : Math.min(...all),
    to: all.length === 0 ? null : Math.max(...all),
    classes: CLASSES,
    activities: [...byName]
      .map(([name, calls]) => activity(name, calls, redact))
      .sort((a, b) => b.calls - a.calls),
  };
}

module.exports = { Samples, activities };
