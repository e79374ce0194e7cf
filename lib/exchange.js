'use strict';

// Captured when the module loads: fake timers in tests replace the global ones.
const { setImmediate } = process.getBuiltinModule('node:timers');
const { performance } = process.getBuiltinModule('node:perf_hooks');
const { isMainThread } = process.getBuiltinModule('node:worker_threads');
const { DuroxideError } = require('./errors.js');
const { FrameReader, FrameWriter } = require('./frame.js');
const { Words } = require('./words.js');

/**
 * When frames cross, and how much of a turn of the event loop is spent on them.
 *
 * X1 The engine wakes us once; we then poll, at most RECORDS per turn of the event loop, until an
 *    exchange finds nothing. Only that exchange makes the engine wake us again.
 * X2 Nothing is fetched while records of the last frame are left: the buffer is theirs.
 * X3 What is written outside a poll is sent once per round of microtasks.
 */

const now = performance.now.bind(performance);
const queueMicrotask = globalThis.queueMicrotask.bind(globalThis);

const RECORDS = 32;
/** After so many ms of work, answers that are ready do not wait for slow neighbours. */
const SEND_AFTER_MS = 1;
/** After so many ms of work, timers and sockets get their turn. */
const PAUSE_AFTER_MS = 4;
const REPAIR_AFTER_MS = 100;
const BUFFER_BYTES = 1 << 20;
const KEPT_BUFFER_BYTES = 4 << 20;

const FAULT = -2;

class Exchange {
  #host;
  #repair;
  #onRecord;
  #onGone;
  #explain;
  #reader = new FrameReader(BUFFER_BYTES);
  #polling = false;
  #inPoll = false;
  #flushing = false;
  #repairedAt = 0;

  /** Where records for the engine are written; flushSoon() sends them. */
  writer = new FrameWriter(BUFFER_BYTES);

  /** Which records have begun. */
  words = new Words();

  /**
   * @param {(onWake: () => void, words: Int32Array) => import('./native').Host} open
   * @param {object} callbacks
   * @param {(reader: InstanceType<typeof FrameReader>) => void} callbacks.onRecord takes one record
   * @param {() => void} callbacks.onGone the engine no longer serves this environment
   * @param {() => string} callbacks.explain gives the text of the last fault
   * @param {() => void} callbacks.repair makes signal handlers fit for Go
   */
  constructor(open, { onRecord, onGone, explain, repair }) {
    this.#repair = repair;
    this.#onRecord = onRecord;
    this.#onGone = onGone;
    this.#explain = explain;
    this.#host = open(() => this.#wake(), this.words.memory);
    if (isMainThread) this.#watchSignals();
  }

  get host() {
    return this.#host;
  }

  /** Sends what was written at the end of this round of microtasks, or of the poll. */
  flushSoon() {
    if (this.#flushing || this.#inPoll) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#send();
    });
  }

  #wake() {
    if (this.#polling) return;
    this.#polling = true;
    this.#poll();
  }

  #poll() {
    const start = now();
    this.#inPoll = true;
    try {
      if (start - this.#repairedAt >= REPAIR_AFTER_MS) this.#repairSignals(start);
      if (!this.#reader.hasMore && !this.#fetch()) {
        this.#polling = false;
        return;
      }
      this.#work(start);
      this.#send();
    } finally {
      this.#inPoll = false;
      if (this.#polling) setImmediate(() => this.#poll());
    }
  }

  /** Sends and fetches in one exchange. False: nothing waits, and the engine will wake us. */
  #fetch() {
    if (this.#exchange(RECORDS) > 0) {
      this.#reader.load();
      return true;
    }
    this.writer.shrink(KEPT_BUFFER_BYTES);
    this.#reader.shrink(KEPT_BUFFER_BYTES);
    return false;
  }

  /** @param {number} start */
  #work(start) {
    let sent = start;
    while (this.#reader.hasMore) {
      this.#reader.advance();
      this.#onRecord(this.#reader);
      const time = now();
      if (time - start > PAUSE_AFTER_MS) return;
      if (time - sent > SEND_AFTER_MS) {
        this.#send();
        sent = time;
      }
    }
  }

  #send() {
    if (!this.writer.isEmpty) this.#exchange(0);
  }

  /** @param {number} most */
  #exchange(most) {
    for (;;) {
      const result = this.#host.exchange(
        this.writer.bytes,
        this.writer.finish(),
        this.#reader.bytes,
        most,
      );
      this.writer.reset();
      if (result >= 0) return result;
      if (result === FAULT) throw new DuroxideError(this.#explain());
      if (!(result < FAULT)) {
        // -1, or nothing at all in a worker thread that is being terminated.
        this.#onGone();
        return 0;
      }
      this.#reader.grow(-result);
    }
  }

  /** @param {number} time */
  #repairSignals(time) {
    this.#repairedAt = time;
    this.#repair();
  }

  /** Handlers that Node installs later lack what Go needs of them. */
  #watchSignals() {
    process.on('newListener', (name) => {
      if (typeof name === 'string' && name.startsWith('SIG')) {
        queueMicrotask(() => this.#repairSignals(now()));
      }
    });
  }
}

module.exports = { Exchange };
