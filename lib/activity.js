'use strict';

const channel = require('./channel.js');
const codec = require('./codec.js');
const { CancelledError } = require('./errors.js');
const { LEVEL } = require('./trace.js');

/** What activities are given, and running one of them. */

/**
 * @typedef {{
 *   token: number, runtime: number, instance: string, execution: number, orchestration: string,
 *   version: string, activity: string, id: number, input: string, workerId: string,
 *   session: string | null, tag: string | null, attempt: number,
 * }} ActivityRecord
 * @typedef {{ ok: true, value: string } | { ok: false, message: string, details: string }} Answer
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

  getClient() {
    if (this.#hasEnded) return null;
    this.#client ??= this.#makeClient();
    return this.#client;
  }

  /** @param {unknown} message */
  traceDebug(message) {
    this.#trace(LEVEL.debug, message);
  }

  /** @param {unknown} message */
  traceInfo(message) {
    this.#trace(LEVEL.info, message);
  }

  /** @param {unknown} message */
  traceWarn(message) {
    this.#trace(LEVEL.warn, message);
  }

  /** @param {unknown} message */
  traceError(message) {
    this.#trace(LEVEL.error, message);
  }

  /**
   * @param {number} level
   * @param {unknown} message
   */
  #trace(level, message) {
    channel.trace(this.#record.token, 0, level, String(message));
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
    context.#cancelReason ??= reason;
    context.#abort(reason);
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

/** Runs the activities of one runtime. */
class Activities {
  /** @type {Map<number, ActivityContext>} */
  #running = new Map();
  #find;
  #makeClient;

  /**
   * @param {{
   *   find(name: string): ((context: ActivityContext, input: any) => unknown) | undefined,
   *   makeClient(): object,
   * }} host
   */
  constructor({ find, makeClient }) {
    this.#find = find;
    this.#makeClient = makeClient;
  }

  /**
   * Runs one attempt to its end. It never rejects.
   *
   * @param {ActivityRecord} record
   * @returns {Promise<Answer>}
   */
  async run(record) {
    const name = record.activity;
    const context = new ActivityContext(record, this.#makeClient);
    this.#running.set(record.token, context);
    try {
      const code = this.#find(name);
      if (code === undefined) throw new Error('it is not registered');
      const result = await code(context, codec.decode(record.input));
      return { ok: true, value: codec.encode(result, `the result of activity '${name}'`) };
    } catch (error) {
      const { message, details } = codec.encodeThrown(error, { plainErrorName: true });
      return { ok: false, message: `Activity '${name}' failed: ${message}`, details };
    } finally {
      this.#running.delete(record.token);
      end(context);
    }
  }

  /**
   * Passes a cancellation on to the attempt, if it still runs.
   *
   * @param {{ token: number, reason: string }} record
   */
  cancel({ token, reason }) {
    const context = this.#running.get(token);
    if (context !== undefined) cancel(context, reason);
  }
}

module.exports = { Activities, ActivityContext };
