'use strict';

const { CancelledError, DuroxideError } = require('../errors.js');
const { ActivityControl, next } = require('./control.js');
const { wholeDuration } = require('../durations.js');

/**
 * The activities of a test environment: what runs, what waits for the time of the environment, and
 * what stands in for code.
 */

/** @typedef {InstanceType<typeof import('./chaos.js')['Chaos']>} Chaos */
/** @typedef {import('./control.js').Code} Code */
/** @typedef {{ dueMs: number, entry: Entry, resolve(): void, reject(reason: unknown): void }} Sleeper */

/** One attempt. It takes native time unless all of its calls wait for the environment. */
class Entry {
  parked = 0;
  /** How many calls of the function go on: a duplicated attempt has two. */
  calls = 0;
  /** Whether the engine has its outcome, or is about to. */
  isAnswered = false;
  /** Whether its process has ended, in a manner of speaking: nobody hears of it any more. */
  isDead = false;

  /** @param {string} name @param {any} context @param {string} key */
  constructor(name, context, key) {
    this.name = name;
    this.context = context;
    this.key = key;
  }

  get isBusy() {
    return this.parked < this.calls;
  }

  get isWanted() {
    return !this.isAnswered && !this.context.signal.aborted;
  }

  toString() {
    const { instanceId, attempt } = this.context;
    const how = this.isBusy ? 'runs' : 'waits';
    return `activity '${this.name}' of '${instanceId}' ${how} (attempt ${attempt})`;
  }
}

class TestActivities {
  /** @type {Map<string, InstanceType<typeof ActivityControl>>} */
  #controls = new Map();
  /** @type {Set<Entry>} */
  #running = new Set();
  /** @type {Sleeper[]} */
  #sleepers = [];
  /** @type {Set<{ dueMs: number, fn(): void }>} */
  #alarms = new Set();
  /** Outcomes that chaos holds back. @type {{ place: number, release(): void }[]} */
  #held = [];
  /** How often the same was called before. @type {Map<string, number>} */
  #seen = new Map();
  #isSealed = false;
  #chaos;
  #now;
  #moving;
  /** How often something has begun or gone on. */
  moves = 0;

  /**
   * @param {Chaos} chaos
   * @param {{ now(): number, moving(): Promise<void> }} time
   */
  constructor(chaos, { now, moving }) {
    this.#chaos = chaos;
    this.#now = now;
    this.#moving = moving;
  }

  get running() {
    return [...this.#running].filter(({ isDead }) => !isDead);
  }

  /** How many calls the engine waits for. */
  get wanted() {
    return this.running.filter(({ isWanted }) => isWanted).length;
  }

  /** Whether something takes native time. */
  get isBusy() {
    return this.running.some(({ isBusy }) => isBusy);
  }

  get isHolding() {
    return this.#held.length > 0;
  }

  /** When the first of those wakes that sleep; Infinity: none does. */
  get nextMs() {
    const due = [...this.#sleepers, ...this.#alarms].map(({ dueMs }) => dueMs);
    return Math.min(Number.POSITIVE_INFINITY, ...due);
  }

  /** @param {string} name */
  control(name) {
    const known = this.#controls.get(name);
    if (known === undefined && this.#isSealed) {
      throw new DuroxideError(
        `activity '${name}' is not registered: give its code, or mock it before the first start`,
        { code: 'INVALID_STATE' },
      );
    }
    const control = known ?? new ActivityControl(name);
    this.#controls.set(name, control);
    return control;
  }

  /**
   * An inline activity brings its code, and is not known before.
   *
   * @param {string} name
   * @param {Code | undefined} code
   */
  #controlOf(name, code) {
    if (code !== undefined && !this.#controls.has(name)) {
      this.#controls.set(name, new ActivityControl(name));
    }
    return this.control(name);
  }

  /**
   * Registers those that have stand-ins only. From now on there are no others.
   *
   * @param {(name: string) => void} register
   */
  seal(register) {
    this.#isSealed = true;
    for (const { name, hasCode } of this.#controls.values()) if (!hasCode) register(name);
  }

  /**
   * Runs one attempt of an activity.
   *
   * @param {string} name
   * @param {Code | undefined} code
   * @param {any} context
   * @param {any} input
   */
  async run(name, code, context, input) {
    await this.#moving();
    const { instanceId, executionId, attempt } = context;
    const control = this.#controlOf(name, code);
    control.calls.push({ input, attempt, instanceId, executionId, at: new Date(this.#now()) });
    const what = JSON.stringify([instanceId, executionId, name, input]);
    const entry = new Entry(name, context, this.#key(what));
    Object.defineProperty(context, 'sleep', {
      value: (/** @type {unknown} */ ms) => this.#sleep(entry, ms),
    });
    this.#running.add(entry);
    const called = next(control, code);
    const calls = [this.#call(entry, called, input)];
    if (this.#chaos.duplicates(entry.key)) calls.push(this.#call(entry, called, input));
    Promise.all(calls).then(() => this.#end(entry));
    const outcome = await Promise.race(calls);
    if (this.#chaos.holds && !entry.isDead) await this.#hold(entry);
    if (!entry.isDead) await this.#chaos.crashAfter(what);
    entry.isAnswered = true;
    this.#end(entry);
    return outcome();
  }

  /**
   * Says which of several equal calls this is.
   *
   * @param {string} what
   */
  #key(what) {
    const before = this.#seen.get(what) ?? 0;
    this.#seen.set(what, before + 1);
    return `${what} ${before}`;
  }

  /**
   * Calls the code, and gives a function that does what the call did.
   *
   * @param {Entry} entry
   * @param {Code} code
   * @param {any} input
   * @returns {Promise<() => unknown>}
   */
  async #call(entry, code, input) {
    entry.calls += 1;
    this.moves += 1;
    try {
      const value = await code(entry.context, input);
      return () => value;
    } catch (error) {
      return () => {
        throw error;
      };
    } finally {
      entry.calls -= 1;
      this.moves += 1;
    }
  }

  /** @param {Entry} entry */
  #end(entry) {
    if (entry.isAnswered && entry.calls === 0) this.#running.delete(entry);
    this.moves += 1;
  }

  /**
   * @param {Entry} entry
   * @param {unknown} ms a duration, or Infinity
   */
  #sleep(entry, ms) {
    const length = ms === Number.POSITIVE_INFINITY ? ms : wholeDuration('ms', ms);
    return this.#park(entry, this.#now() + Number(length));
  }

  /**
   * Calls a function after some time, unless what this gives is called before.
   *
   * @param {number} ms
   * @param {() => void} fn
   */
  after(ms, fn) {
    const alarm = { dueMs: Number.POSITIVE_INFINITY, fn };
    this.#alarms.add(alarm);
    this.#moving().then(() => {
      alarm.dueMs = this.#now() + ms;
    });
    return () => {
      this.#alarms.delete(alarm);
      this.moves += 1;
    };
  }

  /**
   * Waits for a time of the environment, or until nobody wants the activity any more.
   *
   * @param {Entry} entry
   * @param {number} dueMs
   * @returns {Promise<void>}
   */
  #park(entry, dueMs) {
    const { signal } = entry.context;
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw signal.reason;
      const goOn = (/** @type {() => void} */ how) => {
        signal.removeEventListener('abort', aborted);
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        entry.parked -= 1;
        this.moves += 1;
        how();
      };
      const aborted = () => goOn(() => reject(signal.reason));
      const sleeper = {
        dueMs,
        entry,
        resolve: () => goOn(resolve),
        reject: (/** @type {unknown} */ reason) => goOn(() => reject(reason)),
      };
      signal.addEventListener('abort', aborted);
      entry.parked += 1;
      this.#sleepers.push(sleeper);
    });
  }

  /**
   * @param {Entry} entry
   * @returns {Promise<void>}
   */
  #hold(entry) {
    /** @type {Promise<void>} */
    const held = new Promise((resolve) => {
      this.#held.push({
        place: this.#chaos.place(entry.key),
        release: () => {
          this.moves += 1;
          entry.calls += 1; // until it is answered
          resolve();
        },
      });
    });
    return held.then(() => {
      entry.calls -= 1;
    });
  }

  /** Lets go of one of the outcomes that are held back. */
  release() {
    this.#held.sort((a, b) => a.place - b.place);
    this.#held.shift()?.release();
  }

  /**
   * Wakes those whose time has come.
   *
   * @param {number} nowMs
   */
  wake(nowMs) {
    const due = this.#sleepers.filter(({ dueMs }) => dueMs <= nowMs);
    for (const sleeper of due.sort((a, b) => a.dueMs - b.dueMs)) sleeper.resolve();
    for (const alarm of this.#alarms) {
      if (alarm.dueMs > nowMs) continue;
      this.#alarms.delete(alarm);
      this.moves += 1;
      alarm.fn();
    }
  }

  /** Nobody hears any more of what runs: its process has ended, or the environment is closed. */
  kill() {
    for (const entry of this.#running) entry.isDead = true;
    for (const { release } of this.#held.splice(0)) release();
    this.#alarms.clear();
    const reason = new CancelledError('the process of this activity has ended');
    for (const sleeper of [...this.#sleepers]) sleeper.reject(reason);
    this.moves += 1;
  }
}

module.exports = { TestActivities };
