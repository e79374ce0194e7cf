'use strict';

/** Which code lives where, and what runs on it. */

const { asked } = require('./problem.js');
const { healthOf } = require('./views.js');

/** How many instances are counted of a version. */
const MOST = 200;
const MOST_VERSIONS = 60;
const READS = 4;

/**
 * What some runtimes have registered: of each orchestration its versions.
 *
 * @param {any[]} runtimes
 */
function registered(runtimes) {
  /** @type {Map<string, Map<string, string[]>>} */
  const names = new Map();
  for (const { id, orchestrations } of runtimes) {
    for (const [name, versions] of Object.entries(orchestrations)) {
      const own = names.get(name) ?? new Map();
      names.set(name, own);
      for (const version of versions) own.set(version, [...(own.get(version) ?? []), id]);
    }
  }
  return names;
}

/** @param {import('./views.js').Context} context */
async function versions(context) {
  const { client } = context;
  return asked(async () => {
    const { health } = await healthOf(context);
    const names = registered(health?.runtimes ?? []);
    const rows = [...names].flatMap(([name, own]) =>
      [...own].map(([version, runtimes], at) => ({
        name,
        version,
        runtimes: runtimes.length,
        isLatest: at === own.size - 1,
      })),
    );
    const shown = rows.slice(0, MOST_VERSIONS);
    /** @type {object[]} */
    const counted = Array.from(shown);
    const left = shown.map((row, at) => ({ row, at }));
    const worker = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const { name, version } = next.row;
        const page = await client.listInstances({ name, version, status: 'Running', limit: MOST });
        const running = page.instances.length;
        const held = page.instances.filter((/** @type {any} */ told) => told.held).length;
        counted[next.at] = { ...next.row, running, hasMore: page.next !== null, held };
      }
    };
    await Promise.all(Array.from({ length: READS }, worker));
    const missing = (health?.unserved ?? []).filter(
      (/** @type {any} */ work) => work.kind === 'code' && work.state === 'no-code',
    );
    return {
      runtimes: health?.runtimes.length ?? 0,
      versions: counted,
      missing,
      hasMore: rows.length > shown.length,
    };
  });
}

module.exports = { versions };
