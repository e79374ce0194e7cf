'use strict';

// Captured when the module loads: fake timers in tests replace the global ones.
const { performance } = process.getBuiltinModule('node:perf_hooks');
const { setImmediate, setTimeout } = process.getBuiltinModule('node:timers');
const { TimeoutError } = require('../errors.js');

/**
 * The time of a test environment, and those who wait in it.
 *
 *   - K1 Time moves only while somebody waits, or by hand: one due time after the other.
 *   - K2 It moves only where nothing is under way: no request, no turn, no activity but those that
 *     wait for the time themselves. The engine looks (Engine.Rest in Go) and so do we, and the
 *     engine refuses to move if anything has begun since it looked.
 *   - K3 Before each move, whoever waits looks whether it still has to.
 */

/** @typedef {{ quiet: boolean, nowMs: number, nextMs: number, moves: number, works: number, activities: number }} Rest */
/**
 * What a wait looks at: whether nothing is under way and nothing is due at any time, and whether nothing
 * is under way and its limit has come.
 *
 * @typedef {{ isIdle: boolean, isDue: boolean }} State
 * @typedef {{
 *   done(state: State): Promise<(() => void) | null>, reject(error: unknown): void, limitMs: number,
 * }} Wait
 */

/** How long one look at the engine may wait for it to come to rest. */
const LOOK_MS = 20;
/** The longest pause between two looks, and how many of them without a move make a standstill. */
const PAUSE_MS = 20;
const LEAST_LOOKS = 25;

const tick = () => new Promise((resolve) => setImmediate(resolve));
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Driver {
  #engine;
  #activities;
  #crash;
  #explain;
  #patienceMs;
  #nowMs;
  /** @type {Set<Wait>} */
  #waits = new Set();
  #running = false;
  /** @type {Promise<void>} */
  #moving = Promise.resolve();
  #closed = false;
  /** When something moved last, in real time, and how many looks have seen nothing since. */
  #movedAt = 0;
  #looks = 0;
  #seen = '';

  /**
   * @param {object} parts
   * @param {{ rest(patienceMs: number): Promise<Rest>, pending(): number,
   *   advance(toMs: number, moves: number): Promise<{ nowMs: number, moved: boolean }> }} parts.engine
   * @param {InstanceType<typeof import('./activities.js')['TestActivities']>} parts.activities
   * @param {() => Promise<boolean>} parts.crash perhaps ends all that runs, before the time moves
   * @param {() => Promise<string>} parts.explain says what runs
   * @param {number} parts.patienceMs
   * @param {number} parts.startMs
   */
  constructor({ engine, activities, crash, explain, patienceMs, startMs }) {
    this.#engine = engine;
    this.#activities = activities;
    this.#crash = crash;
    this.#explain = explain;
    this.#patienceMs = patienceMs;
    this.#nowMs = startMs;
  }

  get nowMs() {
    return this.#nowMs;
  }

  /** Ends once `nowMs` is what the engine has: what begins with a move of the time comes before the news of it. */
  get moving() {
    return this.#moving;
  }

  /**
   * Waits until a check gives something, and lets the time jump meanwhile.
   *
   * @template T
   * @param {(state: State) => Promise<{ value: T } | null>} check
   * @param {number} [limitMs] the time does not go on after it
   * @returns {Promise<T>}
   */
  wait(check, limitMs = Number.POSITIVE_INFINITY) {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closedError();
      this.#waits.add({
        limitMs,
        reject,
        done: async (state) => {
          const found = await check(state);
          return found === null ? null : () => resolve(found.value);
        },
      });
      this.#stir();
      if (!this.#running) this.#run();
    });
  }

  /** Ends all waiting. */
  close() {
    this.#closed = true;
    this.#rejectAll(closedError());
  }

  /** @param {unknown} error */
  #rejectAll(error) {
    for (const { reject } of this.#waits) reject(error);
    this.#waits.clear();
  }

  async #run() {
    this.#running = true;
    try {
      while (this.#waits.size > 0) await this.#round();
    } catch (error) {
      this.#rejectAll(this.#closed ? closedError() : error);
    } finally {
      this.#running = false;
    }
  }

  async #round() {
    const began = this.#activities.moves;
    const rest = await this.#engine.rest(LOOK_MS);
    this.#nowMs = rest.nowMs;
    // What the engine has sent before is dealt with now, and what waits for that.
    await tick();
    const isStill = () =>
      rest.quiet &&
      this.#activities.moves === began &&
      this.#activities.wanted === rest.activities &&
      this.#engine.pending() === 0;
    const next = isStill() && !this.#activities.isBusy ? this.#next(rest) : null;
    if (await this.#look(next)) {
      await tick();
      return;
    }
    if (next !== null && isStill() && (await this.#move(next, rest))) return;
    await this.#standStill(rest);
  }

  /**
   * Gives what can happen next.
   *
   * @param {Rest} rest
   * @returns {{ release: boolean, atMs: number }}
   */
  #next({ nextMs }) {
    const dueMs = Math.min(nextMs || Number.POSITIVE_INFINITY, this.#activities.nextMs);
    const limits = [...this.#waits].map(({ limitMs }) => limitMs).filter(Number.isFinite);
    return { release: this.#activities.isHolding, atMs: Math.min(dueMs, ...limits) };
  }

  /**
   * Asks everybody who waits; true if somebody has found what it waits for (K3).
   *
   * @param {{ release: boolean, atMs: number } | null} next null: something is under way
   */
  async #look(next) {
    let found = false;
    const rests = next !== null && !next.release;
    for (const wait of [...this.#waits]) {
      try {
        const resolve = await wait.done({
          isIdle: rests && next.atMs === Number.POSITIVE_INFINITY,
          isDue: rests && wait.limitMs <= this.#nowMs,
        });
        if (resolve === null) continue;
        resolve();
      } catch (error) {
        wait.reject(error);
      }
      this.#waits.delete(wait);
      found = true;
    }
    if (found) this.#stir();
    return found;
  }

  /**
   * @param {{ release: boolean, atMs: number }} next
   * @param {Rest} rest
   */
  async #move({ release, atMs }, { moves }) {
    if (release) {
      this.#activities.release();
      this.#stir();
      return true;
    }
    if (!Number.isFinite(atMs)) return false;
    if (await this.#crash()) return true;
    const advanced = this.#engine.advance(atMs, moves);
    const told = advanced.then(({ nowMs, moved }) => {
      if (moved) this.#nowMs = nowMs;
    });
    this.#moving = told.catch(() => {});
    const { nowMs, moved } = await advanced;
    if (!moved) return true;
    this.#activities.wake(nowMs);
    this.#stir();
    return true;
  }

  #stir() {
    this.#movedAt = performance.now();
    this.#looks = 0;
  }

  /**
   * Nothing moves. If that goes on, nothing ever will.
   *
   * @param {Rest} rest
   */
  async #standStill({ works }) {
    const seen = `${works}/${this.#activities.moves}/${this.#engine.pending()}`;
    if (seen !== this.#seen) this.#stir();
    this.#seen = seen;
    this.#looks += 1;
    // Looks are counted as well: a process that was stopped for long has not looked.
    if (this.#looks >= LEAST_LOOKS && performance.now() - this.#movedAt > this.#patienceMs) {
      const seconds = this.#patienceMs / 1000;
      throw new TimeoutError(
        `nothing has moved for ${seconds} s, so this wait would not end: ${await this.#explain()}`,
      );
    }
    await pause(Math.min(this.#looks, PAUSE_MS));
  }
}

function closedError() {
  return new TimeoutError('the test environment was closed');
}

module.exports = { Driver };
