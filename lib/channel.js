'use strict';

const { unlessAborted } = require('./aborts.js');
const { DuroxideError, errorFromCode } = require('./errors.js');
const { Exchange } = require('./exchange.js');
const messages = require('./messages.js');
const native = require('./native.js');
const { Runtimes } = require('./runtimes.js');

/**
 * Requests, answers and events over the addon; one channel per Node environment.
 *
 * C1 Every run and every activity is answered exactly once, whatever user code throws, unless the
 *    engine took it back before it had begun.
 * C2 What is in flight keeps the event loop alive: each request, and each hold().
 */

/** Synchronous operations; mirrors bridge/call.go. */
const CALL = Object.freeze({
  trace: 1,
  isCancelled: 2,
  metrics: 3,
  log: 4,
  fault: 5,
  traced: 6,
  heartbeat: 7,
});

class Channel {
  /** @type {InstanceType<typeof Exchange>} */
  #exchange;
  runtimes = new Runtimes();
  /** @type {Map<number, { resolve: Function, reject: Function, store?: number, holder?: object }>} */
  #requests = new Map();
  #lastRequest = 0;
  #holds = 0;

  constructor() {
    this.#exchange = this.#connect();
  }

  #connect() {
    return new Exchange(native.open, {
      onRecord: (reader) => this.#dispatch(reader),
      onGone: () => this.#lost(),
      explain: () => this.ask(CALL.fault, 0, '') ?? 'fault in the engine',
      repair: native.repairSignals,
    });
  }

  /** An engine of its own process may have ended; what is asked next is asked of another one. */
  #reconnect() {
    if (!this.#exchange.host.whyEnded?.()) return;
    this.#exchange = this.#connect();
    if (this.#holds > 0) this.#exchange.host.hold(true);
  }

  /**
   * @param {string} name
   * @param {object} args
   * @param {string | null} [payload]
   * @param {object} [holder] kept from the garbage collector until the answer
   * @param {AbortSignal} [signal] gives up a request that waits
   */
  request(name, args, payload, holder, signal) {
    this.#reconnect();
    const operation = ++this.#lastRequest;
    const answer = new Promise((resolve, reject) => {
      messages.writeRequest(this.#exchange.writer, operation, name, JSON.stringify(args), payload);
      const { store } = /** @type {any} */ (args);
      this.#requests.set(operation, { resolve, reject, store, holder });
      this.hold();
      this.#exchange.flushSoon();
    });
    if (signal === undefined) return answer;
    // The engine is told, so that what nobody waits for any more holds nothing.
    return unlessAborted(signal, answer, () => {
      api.request('abort', { operation }).catch(() => {});
    });
  }

  /**
   * Gives the number of requests to a store that are not answered.
   *
   * @param {number} store
   */
  pending(store) {
    let count = 0;
    for (const request of this.#requests.values()) if (request.store === store) count += 1;
    return count;
  }

  hold() {
    if (this.#holds++ === 0) this.#exchange.host.hold(true);
  }

  release() {
    if (--this.#holds === 0) this.#exchange.host.hold(false);
  }

  /**
   * @param {number} operation
   * @param {number} token
   * @param {number} number
   * @param {string} text
   */
  call(operation, token, number, text) {
    return this.#exchange.host.call(operation, token, number, text);
  }

  /**
   * @param {number} operation
   * @param {number} token
   * @param {string} text
   */
  ask(operation, token, text) {
    return this.#exchange.host.ask(operation, token, 0, text);
  }

  /** @param {{ token: number, word: number }} record */
  begin(record) {
    return this.#exchange.words.begin(record);
  }

  pause() {
    this.#exchange.words.pause();
  }

  /** Ends the host: what waits fails with HOST_GONE. */
  close() {
    this.#exchange.host.close();
    this.#lost();
  }

  #lost() {
    const waiting = [...this.#requests.values()];
    this.#requests.clear();
    const reason = this.#exchange.host.whyEnded?.() ?? null;
    for (const { reject } of waiting) {
      this.release();
      reject(
        reason ?? errorFromCode('HOST_GONE', 'the engine no longer serves this environment', null),
      );
    }
    if (reason !== null) this.#endRuntimes(reason);
  }

  /**
   * Runtimes have ended with their engine, and nobody may be waiting who could be told: that must not
   * go unseen.
   *
   * @param {Error} reason
   */
  #endRuntimes(reason) {
    if (!this.runtimes.endAll()) return;
    queueMicrotask(() => {
      throw reason;
    });
  }

  /** @param {InstanceType<typeof import('./frame.js').FrameReader>} reader */
  #dispatch(reader) {
    switch (reader.kind) {
      case messages.KIND.run:
        return this.#run(messages.readRun(reader));
      case messages.KIND.activity:
        return this.#activity(messages.readActivity(reader));
      case messages.KIND.settle:
        return this.#settle(reader.token, messages.readSettle(reader));
      case messages.KIND.drop:
        return this.#notify(messages.readDrop(reader), (r) =>
          this.runtimes.serving(r.runtime)?.drop(r),
        );
      case messages.KIND.cancel:
        return this.#notify(messages.readCancel(reader), (r) =>
          this.runtimes.serving(r.runtime)?.cancel(r),
        );
      case messages.KIND.log:
        return this.#notify(messages.readLog(reader), (r) => this.runtimes.log(r.runtime)?.(r));
      case messages.KIND.ended:
        return this.#notify(messages.readEnded(reader), (r) =>
          this.runtimes.serving(r.runtime)?.ended?.(r.about),
        );
      default:
        throw new DuroxideError(`unknown record of kind ${reader.kind}`);
    }
  }

  /** @param {import('./native').RunRecord} record */
  #run(record) {
    const handlers = this.runtimes.serving(record.runtime);
    if (!this.begin(record) || handlers === undefined) return;
    try {
      messages.writeRunAnswer(this.#exchange.writer, record.token, handlers.run(record));
    } catch (error) {
      messages.writeRunAnswer(this.#exchange.writer, record.token, {
        steps: [],
        outcome: failure(error),
      });
    } finally {
      this.pause();
    }
  }

  /** @param {import('./native').ActivityRecord} record */
  #activity(record) {
    const handlers = this.runtimes.serving(record.runtime);
    if (handlers === undefined) {
      this.begin(record);
      this.pause();
      return;
    }
    const ended = this.runtimes.began(record.runtime);
    const answer = (/** @type {any} */ result) => {
      if (ended()) this.#forget(record.runtime);
      if (result?.takenBack) return;
      try {
        messages.writeActivityAnswer(this.#exchange.writer, record.token, result);
      } catch (error) {
        messages.writeActivityAnswer(this.#exchange.writer, record.token, failure(error));
      }
      this.#exchange.flushSoon();
    };
    const fail = (/** @type {unknown} */ error) => answer(failure(error));
    try {
      Promise.resolve(handlers.activity(record)).then(answer, fail);
    } catch (error) {
      fail(error);
    }
  }

  /**
   * Forgets a runtime that has ended. What it logged last is on its way; the echo comes after it.
   *
   * @param {number} runtime
   */
  #forget(runtime) {
    const forget = () => this.runtimes.forget(runtime);
    this.request('debug.echo', { text: '' }).then(forget, forget);
  }

  /**
   * @param {number} operation
   * @param {import('./native').Settlement} settlement
   */
  #settle(operation, settlement) {
    const request = this.#requests.get(operation);
    if (request === undefined) return;
    this.#requests.delete(operation);
    this.release();
    if (settlement.ok) {
      request.resolve({ value: settlement.value, payload: settlement.payload });
    } else {
      request.reject(errorFromCode(settlement.code, settlement.message, settlement.details));
    }
  }

  /**
   * Hands over a record that has no answer.
   *
   * @template R
   * @param {R} record
   * @param {(record: R) => void} take
   */
  #notify(record, take) {
    try {
      take(record);
    } catch (error) {
      // A bug of ours: it must be seen, but the other records must be served.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/**
 * The answer for what broke outside of user code's own handling.
 *
 * @param {unknown} error
 * @returns {{ ok: false, message: string, details: string }}
 */
function failure(error) {
  let message = 'an error that cannot be shown';
  try {
    message = String(error);
  } catch {
    // Its own conversion throws.
  }
  return { ok: false, message, details: '' };
}

/** @type {Channel | undefined} */
let opened;
let lastRuntime = 0;

/** Opens at first use, so that loading the package never throws. */
function channel() {
  opened ??= new Channel();
  return opened;
}

/** @type {import('./native').ChannelApi} */
const api = {
  async request(name, args, payload, holder, signal) {
    signal?.throwIfAborted();
    return channel().request(name, args, payload, holder, signal);
  },
  pending: (store) => channel().pending(store),
  nextRuntime: () => ++lastRuntime,
  registerRuntime: (runtime, handlers) => channel().runtimes.add(runtime, handlers),
  unregisterRuntime: (runtime) => channel().runtimes.end(runtime),
  hold: () => channel().hold(),
  release: () => channel().release(),
  trace(token, step, level, message, fields) {
    const number = step * 4 + level;
    if (fields === null) channel().call(CALL.trace, token, number, message);
    else
      channel().call(
        CALL.traced,
        token,
        number,
        `{"message":${JSON.stringify(message)},"fields":${fields}}`,
      );
  },
  isCancelled: (token) => channel().call(CALL.isCancelled, token, 0, '') === 1,
  heartbeat: (token, details) => void channel().call(CALL.heartbeat, token, 0, details),
  begin: (record) => channel().begin(record),
  pause: () => channel().pause(),
  metrics(runtime) {
    const text = channel().ask(CALL.metrics, runtime, '');
    return text === null ? null : JSON.parse(text);
  },
  configureLog: (options) => channel().ask(CALL.log, 0, JSON.stringify(options)) || null,
  version() {
    channel();
    return require('../package.json').version;
  },
  close: () => opened?.close(),
};

module.exports = api;
