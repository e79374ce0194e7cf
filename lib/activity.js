'use strict';

const { performance } = process.getBuiltinModule('node:perf_hooks');
const { setTimeout } = process.getBuiltinModule('node:timers');
const timers = process.getBuiltinModule('node:timers/promises');
const channel = require('./channel.js');
const check = require('./check.js');
const codec = require('./codec.js');
const { CancelledError } = require('./errors.js');
const { LimitError } = require('./limits.js');
const { encodeThrown } = require('./thrown.js');
const { LEVEL, traced } = require('./traced.js');

/** What activities are given, and running one of them. */

/**
 * @typedef {{
 *   token: number, word: number, runtime: number, instance: string, execution: number, orchestration: string,
 *   version: string, activity: string, id: number, input: string, workerId: string,
 *   session: string | null, tag: string | null, attempt: number,
 * }} ActivityRecord
 * @typedef {import('./native').ActivityAnswer} Answer
 */

/** Its documentation is in index.d.ts. */
class ActivityContext {
  #record;
  #makeClient;
  #hasEnded = false;
  /** @type {string | null} */
  #cancelReason = null;
  /** @type {AbortController | null} */
  #controller = null;
  /** @type {object | null} */
  #client = null;

  /**
   * @param {ActivityRecord} record
   * @param {() => object} makeClient
   */
  constructor(record, makeClient) {
    this.#record = record;
    this.#makeClient = makeClient;
    this.instanceId = record.instance;
    this.executionId = record.execution;
    this.orchestrationName = record.orchestration;
    this.orchestrationVersion = record.version;
    this.activityName = record.activity;
    this.workerId = record.workerId;
    this.sessionId = record.session;
    this.attempt = record.attempt;
  }

  tag() {
    return this.#record.tag;
  }

  isCancelled() {
    if (this.#cancelReason === null && !this.#hasEnded && channel.isCancelled(this.#record.token)) {
      this.#cancelReason = '';
    }
    return this.#cancelReason !== null;
  }

  get signal() {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#cancelReason !== null) this.#abort(this.#cancelReason);
    }
    return this.#controller.signal;
  }

  /** @param {number} ms */
  async sleep(ms) {
    const delay = check.integer('ms', ms, 0);
    const { signal } = this;
    try {
      await timers.setTimeout(delay, undefined, { signal });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  getClient() {
    if (this.#hasEnded) return null;
    this.#client ??= this.#makeClient();
    return this.#client;
  }

  /** @param {unknown} message @param {string} [text] */
  traceDebug(message, text) {
    this.#trace(LEVEL.debug, traced(message, text));
  }

  /** @param {unknown} message @param {string} [text] */
  traceInfo(message, text) {
    this.#trace(LEVEL.info, traced(message, text));
  }

  /** @param {unknown} message @param {string} [text] */
  traceWarn(message, text) {
    this.#trace(LEVEL.warn, traced(message, text));
  }

  /** @param {unknown} message @param {string} [text] */
  traceError(message, text) {
    this.#trace(LEVEL.error, traced(message, text));
  }

  /**
   * @param {number} level
   * @param {import('./traced.js').Traced} said
   */
  #trace(level, { message, fields }) {
    channel.trace(this.#record.token, 0, level, message, fields);
  }

  /** @param {string} reason */
  #abort(reason) {
    const text = `activity '${this.activityName}' was cancelled`;
    this.#controller?.abort(new CancelledError(reason === '' ? text : `${text}: ${reason}`));
  }

  /**
   * Tells a context that its result is no longer wanted. That stays so.
   *
   * @param {ActivityContext} context
   * @param {string} reason
   */
  static cancel(context, reason) {
    // Whoever polled may know that it is cancelled, but not why.
    context.#cancelReason ||= reason;
    context.#abort(context.#cancelReason);
  }

  /**
   * Tells a context that its function has ended.
   *
   * @param {ActivityContext} context
   */
  static end(context) {
    context.#hasEnded = true;
  }
}

// Users get the class, but not the right to cancel; see the exports.
const { cancel, end } = ActivityContext;
Reflect.deleteProperty(ActivityContext, 'cancel');
Reflect.deleteProperty(ActivityContext, 'end');

/** What is said of an activity whose result is refused. */
const HAD_FINISHED = 'it had finished, but its result cannot be stored';

/** How long an activity may wait for a slot here before another node may have it. */
const PATIENCE_MS = 500;

/** @type {import('./native').TakenBack} */
const TAKEN_BACK = Object.freeze({ takenBack: true });

/**
 * Runs the activities of one runtime, as many at a time as it has slots. The engine sends a few
 * more than that, so that a slot which comes free goes on at once.
 */
class Activities {
  /** @type {Map<number, ActivityContext>} */
  #running = new Map();
  /** @type {Map<number, { record: ActivityRecord, since: number, resolve(answer: any): void }>} */
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
   *   find(name: string): ((context: ActivityContext, input: any) => unknown) | undefined,
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
   * @returns {Promise<Answer | import('./native').TakenBack> | import('./native').TakenBack}
   */
  run(record) {
    if (this.#free > 0) {
      if (!channel.begin(record)) return TAKEN_BACK;
      this.#free -= 1;
      return this.#attempt(record);
    }
    return new Promise((resolve) => {
      this.#waiting.set(record.token, { record, since: performance.now(), resolve });
      this.#watch();
    });
  }

  /**
   * Runs one attempt that may begin.
   *
   * @param {ActivityRecord} record
   * @returns {Promise<Answer>}
   */
  async #attempt(record) {
    const name = record.activity;
    const context = new ActivityContext(record, this.#makeClient);
    this.#running.set(record.token, context);
    const began = performance.now();
    const tookUs = () => (performance.now() - began) * 1000;
    try {
      const result = await this.#call(record, context);
      return { ...this.#encode(name, result, context), tookUs: tookUs() };
    } catch (error) {
      const { message, details } = encodeThrown(error);
      return {
        ok: false,
        message: `Activity '${name}' failed: ${message}`,
        details,
        tookUs: tookUs(),
      };
    } finally {
      end(context);
      if (this.#running.delete(record.token)) this.#freeSlot();
    }
  }

  /**
   * Makes text of a result. One that is refused is refused for good, and what was done is done: nothing
   * tries again.
   *
   * @param {string} name
   * @param {unknown} result
   * @param {ActivityContext} context
   */
  #encode(name, result, context) {
    const care = {
      keepErrors: true,
      strict: this.#strictValues,
      warn: (/** @type {string} */ text) => context.traceWarn(text),
    };
    try {
      const value = codec.encode(result, `the result of activity '${name}'`, 'result', care);
      return { ok: /** @type {const} */ (true), value };
    } catch (error) {
      const kind = error instanceof LimitError ? 'limit' : undefined;
      const { message, details } = encodeThrown(error, { final: true, kind });
      const text = `Activity '${name}' failed: ${message}; ${HAD_FINISHED}`;
      return { ok: /** @type {const} */ (false), message: text, details };
    }
  }

  /**
   * Calls the function; its first part holds the thread.
   *
   * @param {ActivityRecord} record
   * @param {ActivityContext} context
   */
  #call(record, context) {
    try {
      const code = this.#find(record.activity);
      if (code === undefined) throw new Error('it is not registered');
      return code(context, codec.decode(record.input));
    } finally {
      channel.pause();
    }
  }

  #freeSlot() {
    for (const [token, { record, resolve }] of this.#waiting) {
      this.#waiting.delete(token);
      if (channel.begin(record)) {
        resolve(this.#attempt(record));
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
    const mine = channel.begin(record);
    channel.pause();
    resolve(mine ? { returned: true } : TAKEN_BACK);
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

module.exports = { Activities, ActivityContext };
