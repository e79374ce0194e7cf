'use strict';

const check = require('../check.js');
const { MAX_MOMENT, duration, moment } = require('../durations.js');
const limits = require('../limits.js');
const { nameOf } = require('../registered.js');
const { cronText } = require('./cron.js');
const { RESERVED_PREFIX, note } = require('./names.js');
const { tickAfter } = require('./ticks.js');
const { timeZone } = require('./zone.js');

/**
 * What a schedule is to do, checked, as it is stored and compared.
 *
 * @typedef {{
 *   cron?: string[], every?: { ms: number, offsetMs: number }, at?: number[],
 *   timeZone: string, skippedTime?: string, repeatedTime?: string, except: { from: string, to: string }[],
 *   orchestration: string, version: string | null, input: any,
 *   overlap: string, catchUp: number | 'all', jitterMs: number, startAt?: number, endAt?: number,
 *   revision: number | null, note: string | null,
 * }} Definition
 */

const OVERLAPS = ['skip', 'bufferOne', 'bufferAll', 'cancelOther', 'terminateOther', 'allow'];
const SHORTEST_MS = 1000;
/** What `catchUp: 'none'` means: a busy machine needs some time for a tick that nobody has missed. */
const NONE_MS = 10_000;
const DEFAULT_CATCH_UP_MS = 60_000;
/** How large a definition may be as JSON, its input included: it goes with every tick. */
const MOST_BYTES = 48 * 1024;
const DAY = /^(?:\*|\d{4})-\d\d-\d\d$/;

/** @type {(...known: string[]) => (argument: string, value: unknown) => string} */
const oneOf =
  (...known) =>
  (argument, value) =>
    check.oneOf(argument, value, known);

/** @param {string} argument @param {unknown} value @param {number} [least] */
function milliseconds(argument, value, least = 0) {
  return check.integer(argument, duration(argument, value), least, MAX_MOMENT);
}

/** @template T @param {unknown} value @param {(one: unknown, place: string) => T} read @param {string} argument */
function listOf(argument, value, read) {
  if (!Array.isArray(value)) return [read(value, argument)];
  if (value.length === 0) throw new TypeError(`${argument} must not be empty`);
  return value.map((one, index) => read(one, `${argument}[${index}]`));
}

/** @param {string} argument @param {unknown} value */
function every(argument, value) {
  const isPlain = typeof value !== 'object' || value === null;
  const given = isPlain
    ? { interval: milliseconds(argument, value, SHORTEST_MS) }
    : check.options(argument, value, {
        interval: (place, ms) => milliseconds(place, ms, SHORTEST_MS),
        offset: milliseconds,
      });
  if (given.interval === undefined) {
    throw new TypeError(`${argument}.interval is missing: say how long it is from tick to tick`);
  }
  return { ms: given.interval, offsetMs: (given.offset ?? 0) % given.interval };
}

/** @param {string} argument @param {unknown} value */
function at(argument, value) {
  const moments = listOf(argument, value, (one, place) => moment(place, one));
  return [...new Set(moments)].sort((a, b) => a - b);
}

/** @param {string} argument @param {unknown} value */
function day(argument, value) {
  const text = check.string(argument, value);
  // 2024 has every day that a year can have.
  const ms = DAY.test(text) ? Date.parse(text.replace('*', '2024')) : Number.NaN;
  if (!Number.isNaN(ms) && new Date(ms).toISOString().slice(5, 10) === text.slice(-5)) return text;
  throw new TypeError(
    `${argument} must be a day such as '2026-12-24', or '*-12-24' for that of each year, not ` +
      check.kindOf(value),
  );
}

/** @param {string} argument @param {unknown} value */
function plainDay(argument, value) {
  const text = day(argument, value);
  if (!text.startsWith('*')) return text;
  throw new TypeError(`${argument} must have a year, in a range: not ${check.kindOf(value)}`);
}

/** @param {unknown} value @param {string} place */
function exception(value, place) {
  if (typeof value !== 'object' || value === null) {
    const one = day(place, value);
    return { from: one, to: one };
  }
  const { from, to } = check.options(place, value, { from: plainDay, to: plainDay });
  if (from !== undefined && to !== undefined && from <= to) return { from, to };
  throw new TypeError(
    `${place} must have a first day, from, and a last one, to, that is not before it`,
  );
}

/** @param {string} argument @param {unknown} value */
function catchUp(argument, value) {
  if (value === 'all') return value;
  return value === 'none' ? NONE_MS : milliseconds(argument, value);
}

/** @type {(argument: string, value: unknown) => any} */
const unchecked = (_argument, value) => value;

const FIELDS = {
  cron: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    listOf(argument, value, (one, place) => cronText(place, one)),
  every,
  at,
  timeZone,
  skippedTime: oneOf('runLater', 'leaveOut'),
  repeatedTime: oneOf('runOnce', 'runTwice'),
  except: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    listOf(argument, value, exception),
  orchestration,
  version: check.version,
  input: unchecked,
  overlap: oneOf(...OVERLAPS),
  catchUp,
  jitterMs: check.integer,
  startAt: moment,
  endAt: moment,
  paused: check.boolean,
  revision: check.integer,
  note,
};

/** @param {string} argument @param {unknown} value */
function orchestration(argument, value) {
  const name = nameOf(argument, value, 'orchestration');
  if (!name.startsWith(RESERVED_PREFIX)) return name;
  throw new TypeError(
    `${argument} must not begin with '${RESERVED_PREFIX}', which is the package's own`,
  );
}

/**
 * Checks what a schedule is made of.
 *
 * @param {unknown} options
 * @param {(input: unknown) => string} encode makes the JSON text of an input
 * @returns {{ definition: Definition, paused: boolean }}
 */
function definitionOf(options, encode) {
  const { paused = false, ...given } = check.options('options', options, FIELDS);
  if (given.orchestration === undefined) {
    throw new TypeError('options.orchestration is missing: say what is to be started');
  }
  checkTimes(given);
  /** @type {any} */
  const filled = {
    timeZone: 'UTC',
    except: [],
    version: null,
    overlap: 'skip',
    catchUp: DEFAULT_CATCH_UP_MS,
    jitterMs: 0,
    revision: null,
    note: null,
    ...given,
    input: JSON.parse(encode(given.input)),
  };
  // In one order, so that the same is the same text.
  const definition = Object.fromEntries(
    Object.keys(FIELDS).flatMap((key) => (filled[key] === undefined ? [] : [[key, filled[key]]])),
  );
  checkSize(definition);
  checkTicks(/** @type {any} */ (definition));
  return { definition: /** @type {any} */ (definition), paused };
}

/** @param {Record<string, any>} given */
function checkTimes(given) {
  const ways = ['cron', 'every', 'at'].filter((way) => given[way] !== undefined);
  if (ways.length !== 1) {
    const found = ways.length === 0 ? 'there is none' : `there are ${ways.join(' and ')}`;
    throw new TypeError(`options must have one of cron, every and at, but ${found}`);
  }
  const { startAt, endAt } = given;
  if (startAt !== undefined && endAt !== undefined && endAt <= startAt) {
    throw new RangeError('options.endAt must be after options.startAt');
  }
}

/** @param {object} definition */
function checkSize(definition) {
  const size = limits.byteSize(JSON.stringify(definition));
  if (size <= MOST_BYTES) return;
  throw new limits.LimitError(
    `the schedule has ${size} bytes as JSON, its input included, but at most ${MOST_BYTES} are ` +
      'allowed: keep what is large elsewhere, and give its place as the input',
  );
}

/** Refuses what never ticks, whenever it begins. @param {Definition} definition */
function checkTicks(definition) {
  const { endAt: _, ...endless } = definition;
  if (definition.at === undefined && tickAfter(endless, 0) === null) {
    throw new TypeError('options.except leaves no tick: the schedule would never start anything');
  }
  const first = definition.startAt ?? Number.NEGATIVE_INFINITY;
  if (definition.at?.every((ms) => ms < first || ms >= (definition.endAt ?? Infinity))) {
    throw new TypeError('options.at has no moment between startAt and endAt');
  }
}

module.exports = { definitionOf };
