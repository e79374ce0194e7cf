'use strict';

const { visible } = require('../visible.js');

/** What a check has found, counted by orchestration and version, bounded however much it is. */

/**
 * @typedef {object} Difference
 * @property {number} eventId
 * @property {string} asked
 * @property {string} recorded
 * @property {string} location
 * @property {string} message
 */

/**
 * @typedef {object} Group of instances that differ at one place of the code
 * @property {'diverges' | 'differs'} grade
 * @property {number} instances
 * @property {number} firstEventId
 * @property {string} location
 * @property {string} asked
 * @property {string} recorded
 * @property {string[]} examples ids
 */

/** How many places are told apart for each orchestration and version, and ids named for each. */
const MOST_GROUPS = 50;
const MOST_EXAMPLES = 3;
/** How often a terminal hears how far it is. */
const PROGRESS_MS = 250;

class Report {
  /** @type {Map<string, any>} */
  #rows = new Map();
  #checked = 0;
  #gone = 0;
  #strict;
  #json;
  #showProgress = process.stderr.isTTY === true;
  #shown = 0;

  /** @param {{ strict: boolean, json: boolean }} options */
  constructor({ strict, json }) {
    this.#strict = strict;
    this.#json = json;
  }

  /**
   * @param {string} instance
   * @param {any} result what the engine said, `{ missing }`, or null where the instance is gone
   * @param {boolean} [held] whether it is held: then it is no worse off if it still diverges
   */
  add(instance, result, held = false) {
    this.#progress();
    if (result === null) {
      this.#gone += 1;
      return;
    }
    this.#checked += 1;
    const row = this.#row(result);
    if (result.missing !== undefined) {
      row.noCode += 1;
    } else if (result.divergence !== null && held) {
      row.held += 1;
    } else if (result.divergence !== null) {
      row.diverges += 1;
      this.#group(row, 'diverges', instance, result.divergence);
    } else if (result.differences.length > 0) {
      row.differs += 1;
      this.#group(row, 'differs', instance, result.differences[0]);
    } else {
      row.same += 1;
    }
  }

  /** @param {any} result */
  #row(result) {
    const name = result.missing?.name ?? result.orchestrationName;
    const version = result.missing?.version ?? result.orchestrationVersion ?? null;
    const key = JSON.stringify([name, version]);
    const row = this.#rows.get(key) ?? {
      orchestrationName: name,
      orchestrationVersion: version,
      same: 0,
      differs: 0,
      diverges: 0,
      noCode: 0,
      held: 0,
      groups: new Map(),
    };
    this.#rows.set(key, row);
    return row;
  }

  /**
   * @param {{ groups: Map<string, Group> }} row
   * @param {'diverges' | 'differs'} grade
   * @param {string} instance
   * @param {Difference} difference
   */
  #group(row, grade, instance, difference) {
    const { eventId, asked, recorded, location } = difference;
    // Inputs differ from instance to instance; places do not.
    const place = location || asked.replace(/ (with input|to) .*$/s, '');
    const key = `${grade} ${place}`;
    let group = row.groups.get(key);
    if (group === undefined) {
      if (row.groups.size >= MOST_GROUPS) return;
      group = {
        grade,
        instances: 0,
        firstEventId: eventId,
        location,
        asked,
        recorded,
        examples: [],
      };
      row.groups.set(key, group);
    }
    group.instances += 1;
    group.firstEventId = Math.min(group.firstEventId, eventId);
    if (group.examples.length < MOST_EXAMPLES) group.examples.push(instance);
  }

  #progress() {
    if (!this.#showProgress || Date.now() - this.#shown < PROGRESS_MS) return;
    this.#shown = Date.now();
    process.stderr.write(`\r${this.#checked} checked`);
  }

  #total() {
    const total = { checked: this.#checked, same: 0, differs: 0, diverges: 0, noCode: 0, held: 0 };
    for (const row of this.#rows.values()) {
      for (const grade of /** @type {const} */ ([
        'same',
        'differs',
        'diverges',
        'noCode',
        'held',
      ])) {
        total[grade] += row[grade];
      }
    }
    return { ...total, gone: this.#gone };
  }

  get exitCode() {
    const { differs, diverges, noCode, held } = this.#total();
    const failures = this.#strict ? differs + diverges + noCode + held : diverges;
    return failures > 0 ? 1 : 0;
  }

  text() {
    if (this.#showProgress) process.stderr.write('\r\u001B[K');
    const rows = [...this.#rows.values()].map((row) => ({
      ...row,
      groups: [...row.groups.values()],
    }));
    rows.sort((a, b) => (key(a) < key(b) ? -1 : 1));
    if (this.#json) {
      return `${JSON.stringify({ ...this.#total(), orchestrations: rows }, null, 2)}\n`;
    }
    return rows.map(describeRow).join('') + describeTotal(this.#total());
  }
}

/** @param {{ orchestrationName: string, orchestrationVersion: string | null }} row */
function key({ orchestrationName, orchestrationVersion }) {
  return `${orchestrationName} ${orchestrationVersion ?? ''}`;
}

/** @param {any} row */
function describeRow(row) {
  const grades = [
    [row.same, 'same'],
    [row.differs, 'differ'],
    [row.diverges, 'diverge'],
    [row.noCode, 'without code'],
    [row.held, 'stay held'],
  ];
  const counts = grades.filter(([n]) => n > 0).map(([n, grade]) => `${n} ${grade}`);
  const version = row.orchestrationVersion ?? '(not begun)';
  return `${visible(row.orchestrationName)} ${version}: ${counts.join(', ')}\n${row.groups.map(describeGroup).join('')}`;
}

/** @param {Group} group */
function describeGroup({ grade, instances, firstEventId, location, asked, recorded, examples }) {
  const word = grade === 'diverges' ? 'diverge' : 'differ';
  return (
    `  ${instances} ${word} since event ${firstEventId}${location && ` at ${visible(location)}`}\n` +
    `    the code asks for ${visible(asked)}\n    recorded was ${visible(recorded)}\n` +
    `    for example ${examples.map(visible).join(', ')}\n`
  );
}

/** @param {Record<string, number>} total */
function describeTotal({ checked, same, differs, diverges, noCode, held, gone }) {
  const stay = held > 0 ? `, ${held} stay held` : '';
  const rest = gone > 0 ? `; ${gone} were deleted meanwhile` : '';
  return `${checked} checked: ${same} same, ${differs} differ, ${diverges} diverge, ${noCode} without code${stay}${rest}\n`;
}

module.exports = { Report };
