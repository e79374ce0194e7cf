'use strict';

const { createHash } = process.getBuiltinModule('node:crypto');
const timers = process.getBuiltinModule('node:timers/promises');
const channel = require('./channel.js');
const check = require('./check.js');
const codec = require('./codec.js');
const { CancelledError, DuroxideError } = require('./errors.js');
const { headersOf } = require('./headers.js');
const { MAX_HEARTBEAT_BYTES, checkSize } = require('./limits.js');
const { LEVEL, traced } = require('./traced.js');

/** What an activity is given. */

/** @typedef {import('./native').ActivityRecord} ActivityRecord */

/** Its documentation is in index.d.ts. */
class ActivityContext {
  #record;
  #makeClient;
  /** @type {string | undefined} */
  #key;
  #hasEnded = false;
  /** @type {string | null} */
  #cancelReason = null;
  /** @type {Error | null} */
  #late = null;
  /** @type {AbortController | null} */
  #controller = null;
  /** @type {object | null} */
  #client = null;
  #strictValues;
  #onHeartbeat = () => {};
  /** @type {string | null} */
  #said = null;

  /**
   * @param {ActivityRecord} record
   * @param {() => object} makeClient
   * @param {Record<string, string>} [own] headers beside those of its instance
   * @param {import('./lossy.js').Strictness} [strictValues]
   */
  constructor(record, makeClient, own, strictValues = 'off') {
    this.#strictValues = strictValues;
    this.#record = record;
    this.#makeClient = makeClient;
    this.instanceId = record.instance;
    this.executionId = record.execution;
    this.orchestrationName = record.orchestration;
    this.orchestrationVersion = record.version;
    this.activityName = record.activity;
    this.workerId = record.workerId;
    this.sessionId = record.session;
    this.attempt = record.attempt + (record.inline?.before ?? 0);
    const headers = headersOf(record.headers);
    this.headers = own === undefined ? headers : Object.freeze({ ...headers, ...own });
  }

  tag() {
    return this.#record.tag;
  }

  get idempotencyKey() {
    const { instance, life, execution, id, inline } = this.#record;
    this.#key ??= createHash('sha256')
      .update(JSON.stringify([instance, life, execution, inline?.left?.id ?? id]))
      .digest('hex');
    return this.#key;
  }

  isCancelled() {
    if (this.#cancelReason === null && !this.#hasEnded && channel.isCancelled(this.#record.token)) {
      this.#cancelReason = '';
    }
    return this.#cancelReason !== null;
  }

  /** What becomes of values of its function. @returns {import('./lossy.js').Care} */
  static careOf(/** @type {ActivityContext} */ context) {
    const warn = (/** @type {string} */ text) => context.traceWarn(text);
    return { keepErrors: true, strict: context.#strictValues, warn };
  }

  get lastHeartbeat() {
    const { heartbeat, inline } = this.#record;
    const said = inline?.left?.heartbeat ?? heartbeat;
    return said === null ? undefined : JSON.parse(said);
  }

  /** @param {unknown} [details] */
  heartbeat(details) {
    const name = this.activityName;
    if (this.#hasEnded || this.#late !== null) {
      throw new DuroxideError(`this attempt of activity '${name}' is over`, {
        code: 'INVALID_STATE',
        ...(this.#late && { cause: this.#late }),
      });
    }
    const what = `the heartbeat of activity '${name}'`;
    const text = codec.encode(details, what, 'details', careOf(this));
    channel.heartbeat(this.#record.token, checkSize(what, text, MAX_HEARTBEAT_BYTES));
    this.#said = text;
    this.#onHeartbeat();
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
    this.#controller?.abort(
      this.#late ?? new CancelledError(reason === '' ? text : `${text}: ${reason}`),
    );
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
   * Tells a context that its function takes too long.
   *
   * @param {ActivityContext} context
   * @param {Error} error
   */
  static expire(context, error) {
    context.#late = error;
    context.#cancelReason ||= error.message;
    context.#abort(context.#cancelReason);
  }

  /**
   * Has a function called with each heartbeat.
   *
   * @param {ActivityContext} context
   * @param {() => void} fn
   */
  static listen(context, fn) {
    context.#onHeartbeat = fn;
  }

  /**
   * Tells a context that its function has ended.
   *
   * @param {ActivityContext} context
   */
  static end(context) {
    context.#hasEnded = true;
  }

  /**
   * Gives what an attempt that fails leaves to the next one, where nothing else remembers it.
   *
   * @param {ActivityContext} context
   */
  static leave(context) {
    const { id, heartbeat, inline } = context.#record;
    if (inline === undefined || inline.isLast) return {};
    const before = inline.left ?? { id, heartbeat };
    return { left: { id: before.id, heartbeat: context.#said ?? before.heartbeat } };
  }
}

// Users get the class, but not the right to cancel.
const { cancel, careOf, end, expire, leave, listen } = ActivityContext;
for (const name of ['cancel', 'careOf', 'end', 'expire', 'leave', 'listen']) {
  Reflect.deleteProperty(ActivityContext, name);
}

module.exports = { ActivityContext, cancel, careOf, end, expire, leave, listen };
