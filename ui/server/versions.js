'use strict';

/** Which code lives where, and what runs on it. */

const { asked } = require('./problem.js');
const { healthOf } = require('./views.js');

const MOST_VERSIONS = 200;

/** What is in use of a version on which nothing runs. */
const NOTHING = { running: 0, held: 0, oldestAt: null, patches: [] };

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

/**
 * Versions that some runtime has, or on which something runs.
 *
 * @param {any[]} runtimes
 * @param {any[]} inUse
 */
function rowsOf(runtimes, inUse) {
  const key = (/** @type {any} */ of) => JSON.stringify([of.name, of.version]);
  const used = new Map(inUse.map((each) => [key(each), each]));
  const rows = [...registered(runtimes)].flatMap(([name, own]) =>
    [...own].map(([version, by], at) => {
      const isLatest = at === own.size - 1;
      const { running, held, oldestAt, patches } = used.get(key({ name, version })) ?? NOTHING;
      used.delete(key({ name, version }));
      return { name, version, runtimes: by.length, isLatest, running, held, oldestAt, patches };
    }),
  );
  // What nobody has registered as such, and is needed, stands first.
  return [...used.values()].map((each) => ({ ...each, isLatest: false })).concat(rows);
}

/** @param {import('./views.js').Context} context */
async function versions(context) {
  const { client } = context;
  return asked(async () => {
    const [{ health }, inUse] = await Promise.all([healthOf(context), client.versionsInUse()]);
    const rows = rowsOf(health?.runtimes ?? [], inUse);
    return {
      runtimes: health?.runtimes.length ?? 0,
      versions: rows.slice(0, MOST_VERSIONS),
      hasMore: rows.length > MOST_VERSIONS,
    };
  });
}

module.exports = { versions };
