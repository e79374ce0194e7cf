'use strict';

const { createHash } = process.getBuiltinModule('node:crypto');
const { expressionOf } = require('./cron.js');
const { zoneOf } = require('./zone.js');

/**
 * When a schedule ticks. All of it follows from the definition and the moment behind which the next tick is
 * looked for, never from a clock.
 *
 * @typedef {import('./definition.js').Definition} Definition
 * @typedef {import('./cron.js').Expression} Expression
 * @typedef {ReturnType<typeof zoneOf>} Zone
 * @typedef {{ tickMs: number, dueMs: number }} Tick `dueMs` is later than the tick where there is jitter
 */

const DAY_MS = 86_400_000;
/** Days have years of four digits. */
const END_OF_TIME = Date.UTC(9999, 11, 31);

/**
 * Gives the first tick after a moment, without jitter, or null where there is none any more.
 *
 * @param {Definition} definition
 * @param {number} afterMs
 * @returns {number | null}
 */
function tickAfter(definition, afterMs) {
  const { startAt, endAt, except, timeZone } = definition;
  const zone = zoneOf(timeZone);
  let from = startAt === undefined ? afterMs : Math.max(afterMs, startAt - 1);
  for (;;) {
    const tick = plainTick(definition, zone, from);
    if (tick === null || tick >= (endAt ?? END_OF_TIME)) return null;
    const last = lastExcepted(except, dayOf(tick + zone.offsetAt(tick)));
    if (last === null) return tick;
    from = Math.max(tick, endOf(last, zone));
  }
}

/**
 * Gives the first tick after a moment as if no day were left out.
 *
 * @param {Definition} definition
 * @param {Zone} zone
 * @param {number} afterMs
 * @returns {number | null}
 */
function plainTick(definition, zone, afterMs) {
  const { cron, every, at } = definition;
  if (every !== undefined) return everyTick(every, afterMs);
  if (at !== undefined) return at.find((ms) => ms > afterMs) ?? null;
  const found = /** @type {string[]} */ (cron)
    .map((text) => cronTick(expressionOf(text), zone, definition, afterMs))
    .filter((tick) => tick !== null);
  return found.length === 0 ? null : Math.min(...found);
}

/** @param {{ ms: number, offsetMs: number }} every @param {number} afterMs */
function everyTick({ ms, offsetMs }, afterMs) {
  return (Math.floor((afterMs - offsetMs) / ms) + 1) * ms + offsetMs;
}

/**
 * Goes from one change of the wall to the next. Between two of them the wall is as far ahead all the time.
 *
 * @param {Expression} expression
 * @param {Zone} zone
 * @param {Definition} definition
 * @param {number} afterMs
 * @returns {number | null}
 */
function cronTick(expression, zone, definition, afterMs) {
  const { runsSkipped, runsOnce } = rulesOf(expression, definition);
  for (let from = afterMs + 1; ; ) {
    const offset = zone.offsetAt(from);
    const wall = expression.next(from + offset - 1);
    if (wall === null) return null;
    const tick = wall - offset;
    const change = zone.nextChange(from, tick);
    if (change === null) {
      if (!runsOnce || !zone.isRepeated(tick)) return tick;
      from = tick + 1;
      continue;
    }
    // Where the wall jumps ahead, the times that it leaves out come to the moment of the jump.
    if (runsSkipped && wall < change + zone.offsetAt(change)) return change;
    from = change;
  }
}

/**
 * What becomes of a time that the wall skips, and of one that it shows twice. What runs every hour goes by
 * the time that passes, unless somebody says otherwise.
 *
 * @param {Expression} expression
 * @param {Definition} definition
 */
function rulesOf({ isEveryHour }, { skippedTime, repeatedTime }) {
  return {
    runsSkipped: (skippedTime ?? (isEveryHour ? 'leaveOut' : 'runLater')) === 'runLater',
    runsOnce: (repeatedTime ?? (isEveryHour ? 'runTwice' : 'runOnce')) === 'runOnce',
  };
}

/** The day of a wall time. @param {number} wallMs */
const dayOf = (wallMs) => new Date(wallMs).toISOString().slice(0, 10);

/**
 * Gives the last day of the exception that a day belongs to, or null where it belongs to none.
 *
 * @param {Definition['except']} except
 * @param {string} day
 */
function lastExcepted(except, day) {
  for (const { from, to } of except) {
    if (from.startsWith('*') && day.endsWith(from.slice(1))) return day;
    if (from <= day && day <= to) return to;
  }
  return null;
}

/**
 * Gives a moment shortly before the end of a day: the last one of it, unless the wall changes there.
 *
 * @param {string} day
 * @param {Zone} zone
 */
function endOf(day, zone) {
  const wall = Date.parse(day) + DAY_MS;
  return wall - Math.max(zone.offsetAt(wall - DAY_MS), zone.offsetAt(wall + DAY_MS)) - 1;
}

/**
 * Gives the first tick after a moment, and when it is due.
 *
 * @param {Definition} definition
 * @param {string} id of the schedule
 * @param {number} afterMs
 * @returns {Tick | null}
 */
function nextTick(definition, id, afterMs) {
  const tickMs = tickAfter(definition, afterMs);
  if (tickMs === null) return null;
  const jitterMs = jitterOf(definition.jitterMs, id, tickMs);
  if (jitterMs === 0) return { tickMs, dueMs: tickMs };
  // Ticks stay in order.
  const following = tickAfter(definition, tickMs) ?? Number.POSITIVE_INFINITY;
  return { tickMs, dueMs: Math.min(tickMs + jitterMs, following - 1) };
}

/**
 * Gives by how much a tick is delayed: by chance, and each time the same.
 *
 * @param {number} mostMs
 * @param {string} id
 * @param {number} tickMs
 */
function jitterOf(mostMs, id, tickMs) {
  if (mostMs === 0) return 0;
  const digest = createHash('sha256').update(`${id}\n${tickMs}`).digest();
  return digest.readUIntBE(0, 6) % (mostMs + 1);
}

/**
 * Gives the first ticks after a moment.
 *
 * @param {Definition} definition
 * @param {number} afterMs
 * @param {number} count
 */
function ticksAfter(definition, afterMs, count) {
  const ticks = [];
  for (let tick = tickAfter(definition, afterMs); tick !== null && ticks.length < count; ) {
    ticks.push(tick);
    tick = tickAfter(definition, tick);
  }
  return ticks;
}

/**
 * Gives the first ticks of stretches.
 *
 * @param {Definition} definition
 * @param {[fromMs: number, toMs: number][]} stretches
 * @param {number} count
 */
function ticksIn(definition, stretches, count) {
  const ticks = [];
  for (const [from, to] of stretches) {
    for (let tick = tickAfter(definition, from - 1); tick !== null && tick <= to; ) {
      if (ticks.length === count) return ticks;
      ticks.push(tick);
      tick = tickAfter(definition, tick);
    }
  }
  return ticks;
}

module.exports = { nextTick, tickAfter, ticksAfter, ticksIn };
