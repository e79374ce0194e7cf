'use strict';

const { performance } = process.getBuiltinModule('node:perf_hooks');
const { setTimeout } = process.getBuiltinModule('node:timers');
const { ActivityContext, cancel, end } = require('./activity-context.js');
const channel = require('./channel.js');
const codec = require('./codec.js');
const { LimitError } = require('./limits.js');
const { failedAnswer } = require('./policy.js');
const { encodeThrown } = require('./thrown.js');

/** Running activities: as many at a time as there are slots. */

/**
 * @typedef {import('./native').ActivityRecord} ActivityRecord
 * @typedef {InstanceType<typeof ActivityContext>} Context
 * @typedef {import('./native').ActivityAnswer} Answer
 * @typedef {((context: Context, input: any) => unknown) | undefined} Code
 */

/** What is said of an activity whose result is refused. */
const HAD_FINISHED = 'it had finished, but its result cannot be stored';

/** How long an activity may wait for a slot here before another node may have it. */
const PATIENCE_MS = 500;

const TAKEN_BACK = Object.freeze({ takenBack: /** @type {const} */ (true) });

/**
 * Runs the activities of one runtime, as many at a time as it has slots. The engine sends a few
 * more than that, so that a slot which comes free goes on at once.
 */
class Activities {
  /** @type {Map<number, Context>} */
  #running = new Map();
  /** @type {Map<number, { record: ActivityRecord, code: Code, since: number, resolve(answer: any): void }>} */
  #waiting = new Map();
  /** @type {NodeJS.Timeout | null} */
  #timer = null;
  #free;
  #find;
  #makeClient;
  #strictValues;

  /**
   * @param {{
   *   slots: number, strictValues: import('./lossy.js').Strictness,
   *   find(record: ActivityRecord): Code | null,
   *   makeClient(): object,
   * }} host
   */
  constructor({ slots, strictValues, find, makeClient }) {
    this.#strictValues = strictValues;
    this.#free = slots;
    this.#find = find;
    this.#makeClient = makeClient;
  }

  /**
   * Runs one attempt to its end, as soon as there is a slot. It never rejects.
   *
   * @param {ActivityRecord} record
   * @returns {Promise<Answer | import('./native').TakenBack> | Answer | import('./native').TakenBack}
   */
  run(record) {
    const code = this.#find(record);
    if (code === null) return this.#giveBack(record);
    if (this.#free > 0) {
      if (!channel.begin(record)) return TAKEN_BACK;
      this.#free -= 1;
      return this.#attempt(record, code);
    }
    return new Promise((resolve) => {
      this.#waiting.set(record.token, { record, code, since: performance.now(), resolve });
      this.#watch();
    });
  }

  /**
   * Runs one attempt that may begin.
   *
   * @param {ActivityRecord} record
   * @param {Code} code
   * @returns {Promise<Answer>}
   */
  async #attempt(record, code) {
    const name = record.activity;
    const context = new ActivityContext(record, this.#makeClient);
    this.#running.set(record.token, context);
    const began = performance.now();
    const tookUs = () => (performance.now() - began) * 1000;
    try {
      const result = await this.#call(record, code, context);
      return this.#encode(record, result, context, tookUs());
    } catch (error) {
      return failedAnswer(record, encodeThrown(error), `Activity '${name}' failed: `, '', tookUs());
    } finally {
      end(context);
      if (this.#running.delete(record.token)) this.#freeSlot();
    }
  }

  /**
   * Makes text of a result. One that is refused is refused for good, and what was done is done: nothing
   * tries again.
   *
   * @param {ActivityRecord} record
   * @param {unknown} result
   * @param {Context} context
   * @param {number} tookUs
   * @returns {Answer}
   */
  #encode(record, result, context, tookUs) {
    const name = record.activity;
    const care = {
      keepErrors: true,
      strict: this.#strictValues,
      warn: (/** @type {string} */ text) => context.traceWarn(text),
    };
    try {
      const value = codec.encode(result, `the result of activity '${name}'`, 'result', care);
      return { ok: true, value, tookUs };
    } catch (error) {
      const kind = error instanceof LimitError ? 'limit' : undefined;
      const thrown = encodeThrown(error, { final: true, kind });
      return failedAnswer(
        record,
        thrown,
        `Activity '${name}' failed: `,
        `; ${HAD_FINISHED}`,
        tookUs,
      );
    }
  }

  /**
   * Calls the function; its first part holds the thread.
   *
   * @param {ActivityRecord} record
   * @param {Code} code
   * @param {Context} context
   */
  #call(record, code, context) {
    try {
      if (code === undefined) throw new Error('it is not registered');
      return code(context, codec.decode(record.input));
    } finally {
      channel.pause();
    }
  }

  #freeSlot() {
    for (const [token, { record, code, resolve }] of this.#waiting) {
      this.#waiting.delete(token);
      if (channel.begin(record)) {
        resolve(this.#attempt(record, code));
        return;
      }
      resolve(TAKEN_BACK);
    }
    this.#free += 1;
  }

  /**
   * Gives a record back that waits for a slot. To have begun it here keeps the engine from taking
   * it back as well.
   *
   * @param {number} token
   * @param {{ record: ActivityRecord, resolve(answer: any): void }} waiting
   */
  #return(token, { record, resolve }) {
    this.#waiting.delete(token);
    resolve(this.#giveBack(record));
  }

  /**
   * @param {ActivityRecord} record
   * @returns {Answer | import('./native').TakenBack}
   */
  #giveBack(record) {
    const mine = channel.begin(record);
    channel.pause();
    return mine ? { returned: true } : TAKEN_BACK;
  }

  /** Gives back what waits for too long, so that it does not wait behind long activities. */
  #watch() {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const late = performance.now() - PATIENCE_MS;
      for (const [token, waiting] of this.#waiting) {
        if (waiting.since > late) break;
        this.#return(token, waiting);
      }
      if (this.#waiting.size > 0) this.#watch();
    }, PATIENCE_MS).unref();
  }

  /**
   * Passes a cancellation on to the attempt, if it still runs. One that waits never begins. An
   * abandoned one gives its slot to another, although its function may go on.
   *
   * @param {{ token: number, reason: string, abandoned: boolean }} record
   */
  cancel({ token, reason, abandoned }) {
    const waiting = this.#waiting.get(token);
    if (waiting !== undefined) {
      this.#return(token, waiting);
      return;
    }
    const context = this.#running.get(token);
    if (context === undefined) return;
    if (abandoned) {
      this.#running.delete(token);
      this.#freeSlot();
    } else {
      cancel(context, reason);
    }
  }
}

module.exports = { Activities };
