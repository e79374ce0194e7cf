'use strict';

const { performance } = process.getBuiltinModule('node:perf_hooks');
const { setTimeout } = process.getBuiltinModule('node:timers');
const { ActivityContext, cancel, careOf, end, expire, leave } = require('./activity-context.js');
const { after, lateness } = require('./activity-limits.js');
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

/** How long a function that has taken too long may take to notice, before another attempt begins beside it. */
const MERCY_MS = 10_000;

/** The name of the clock of a runtime, which is not that of the machine in the test kit. */
const AFTER = Symbol('after');

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
  #after;

  /**
   * @param {{
   *   slots: number, after?: typeof after, strictValues: import('./lossy.js').Strictness,
   *   find(record: ActivityRecord): Code | null,
   *   makeClient(): object,
   * }} host
   */
  constructor({ slots, strictValues, find, makeClient, after: clock = after }) {
    this.#after = clock;
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
  #attempt(record, code) {
    /** @type {import('./policy.js').StoredPolicy} */
    const policy = record.inline?.limits ?? (record.policy ? JSON.parse(record.policy) : {});
    const { headers, timeoutMs, heartbeatMs } = policy;
    const context = new ActivityContext(record, this.#makeClient, headers, this.#strictValues);
    this.#running.set(record.token, context);
    const began = performance.now();
    const tookUs = () => (performance.now() - began) * 1000;
    const tried = this.#try(record, code, context, tookUs);
    return timeoutMs === undefined && heartbeatMs === undefined
      ? tried
      : this.#within(policy, record, context, tried, tookUs);
  }

  /**
   * @param {ActivityRecord} record
   * @param {Code} code
   * @param {Context} context
   * @param {() => number} tookUs
   * @returns {Promise<Answer>}
   */
  async #try(record, code, context, tookUs) {
    const name = record.activity;
    try {
      const result = await this.#call(record, code, context);
      return this.#encode(record, result, context, tookUs());
    } catch (error) {
      const thrown = encodeThrown(error, leave(context));
      return failedAnswer(record, thrown, `Activity '${name}' failed: `, '', tookUs());
    } finally {
      this.#over(record, context);
    }
  }

  /**
   * Gives the answer of an attempt, or what is said of it when it has taken too long. Before another attempt
   * its function has settled, or was given time for that.
   *
   * @param {import('./policy.js').StoredPolicy} limits
   * @param {ActivityRecord} record
   * @param {Context} context
   * @param {Promise<Answer>} tried
   * @param {() => number} tookUs
   * @returns {Promise<Answer>}
   */
  async #within(limits, record, context, tried, tookUs) {
    const error = await lateness(this.#after, limits, record, context, tried);
    if (error === null) return tried;
    expire(context, error);
    const thrown = encodeThrown(error, {
      kind: 'timeout',
      final: limits.retryTimeouts ? undefined : true,
      ...leave(context),
    });
    const failed = failedAnswer(record, thrown, '', '', tookUs());
    const settled = this.#unless(MERCY_MS, tried).then(() => this.#over(record, context));
    const follows = record.inline
      ? limits.retryTimeouts && !record.inline.isLast
      : 'next' in failed && failed.next;
    if (follows) await settled;
    return failed;
  }

  /**
   * Waits for an answer, at most so long: then it is null.
   *
   * @param {number} ms
   * @param {Promise<Answer>} tried
   * @returns {Promise<Answer | null>}
   */
  #unless(ms, tried) {
    return new Promise((resolve) => {
      const stop = this.#after(ms, () => resolve(null));
      tried.then((answer) => {
        stop();
        resolve(answer);
      });
    });
  }

  /**
   * @param {ActivityRecord} record
   * @param {Context} context
   */
  #over(record, context) {
    end(context);
    if (this.#running.delete(record.token)) this.#freeSlot();
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
    try {
      const what = `the result of activity '${name}'`;
      const value = codec.encode(result, what, 'result', careOf(context));
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

module.exports = { AFTER, Activities };
