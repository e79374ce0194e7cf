'use strict';

/**
 * The event streams: a view, again whenever it has changed.
 *
 * 1. Who looks at the same view of the same things shares one feed, which asks the store.
 * 2. A feed asks at most once in its pause, and leaves the store alone four times as long as that took.
 * 3. A slow reader is sent the latest state when it can take it, and nothing is kept for it in between.
 * 4. Before anything is sent, and with each look, the reader must still be let in.
 */

const { Problem, problemOf } = require('./problem.js');

const MOST_STREAMS = 20;
const HEARTBEAT_MS = 15_000;
const LEAST_PAUSE = 4;

/** @typedef {() => Promise<unknown>} Look */
/** @typedef {(error: unknown) => void} OnFault */

class Feed {
  /** @type {Set<Reader>} */
  readers = new Set();
  /** @type {string | null} */
  latest = null;
  #look;
  #pauseMs;
  #onFault;
  /** @type {NodeJS.Timeout | undefined} */
  #timer;
  #isLooking = false;

  /** @param {Look} look @param {number} pauseMs @param {OnFault} onFault */
  constructor(look, pauseMs, onFault) {
    this.#look = look;
    this.#pauseMs = pauseMs;
    this.#onFault = onFault;
  }

  /** @param {Reader} reader */
  add(reader) {
    this.readers.add(reader);
    if (this.latest !== null) void reader.offer();
    // A pause that others began is not cut short.
    if (!this.#isLooking && this.#timer === undefined) void this.#run();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #run() {
    this.#timer = undefined;
    this.#isLooking = true;
    const began = performance.now();
    try {
      this.latest = `event: data\ndata: ${JSON.stringify(await this.#look())}\n\n`;
    } catch (thrown) {
      const { status, code, message } = problemOf(thrown, this.#onFault);
      this.latest = `event: problem\ndata: ${JSON.stringify({ status, code, message })}\n\n`;
    }
    this.#isLooking = false;
    for (const reader of this.readers) void reader.offer();
    if (this.readers.size === 0 || this.#timer !== undefined || this.#isLooking) return;
    const pause = Math.max(this.#pauseMs, (performance.now() - began) * LEAST_PAUSE);
    this.#timer = setTimeout(() => void this.#run(), pause);
    this.#timer.unref();
  }
}

class Reader {
  #feed;
  #sink;
  #mayRead;
  /** @type {string | null} */
  #sent = null;
  #sentAt = performance.now();
  #isOpen = true;
  #isAsking = false;

  /** @param {Feed} feed @param {import('./http.js').Sink} sink @param {() => Promise<boolean>} mayRead */
  constructor(feed, sink, mayRead) {
    this.#feed = feed;
    this.#sink = sink;
    this.#mayRead = mayRead;
  }

  /** Sends the latest state, if it is another one. */
  async offer() {
    // Whoever asks somebody else whether a reader is let in may take long.
    if (this.#isAsking) return;
    this.#isAsking = true;
    const mayRead = await this.#mayRead();
    this.#isAsking = false;
    if (!this.#isOpen) return;
    if (!mayRead) {
      this.#sink.write('event: leave\ndata: {}\n\n');
      this.end();
      return;
    }
    const { latest } = this.#feed;
    if (latest === null || this.#sink.isFull()) return;
    const isQuiet = latest === this.#sent;
    if (isQuiet && performance.now() - this.#sentAt < HEARTBEAT_MS) return;
    this.#sink.write(isQuiet ? ': still here\n\n' : latest);
    this.#sent = latest;
    this.#sentAt = performance.now();
  }

  end() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#sink.end();
  }

  closed() {
    this.#isOpen = false;
  }
}

class Streams {
  /** @type {Map<string, Feed>} */
  #feeds = new Map();
  #count = 0;
  #onFault;

  /** @param {OnFault} onFault */
  constructor(onFault) {
    this.#onFault = onFault;
  }

  /**
   * Begins a stream, which is one of few.
   *
   * @param {{ key: string, look: Look, pauseMs: number, mayRead: () => Promise<boolean> }} of
   * @returns {import('./http.js').Answer}
   */
  open({ key, look, pauseMs, mayRead }) {
    if (this.#count >= MOST_STREAMS) {
      throw new Problem(503, 'TOO_MANY_STREAMS', `there are ${MOST_STREAMS} streams already`);
    }
    this.#count += 1;
    return {
      status: 200,
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
      stream: (sink) => this.#begin(key, new Feed(look, pauseMs, this.#onFault), sink, mayRead),
    };
  }

  /**
   * @param {string} key
   * @param {Feed} fresh for the first reader
   * @param {import('./http.js').Sink} sink
   * @param {() => Promise<boolean>} mayRead
   */
  #begin(key, fresh, sink, mayRead) {
    const feed = this.#feeds.get(key) ?? fresh;
    this.#feeds.set(key, feed);
    const reader = new Reader(feed, sink, mayRead);
    sink.onClose(() => {
      this.#count -= 1;
      reader.closed();
      feed.readers.delete(reader);
      if (feed.readers.size > 0) return;
      feed.stop();
      if (this.#feeds.get(key) === feed) this.#feeds.delete(key);
    });
    sink.write('retry: 1000\n\n');
    feed.add(reader);
  }

  /** Ends all streams. */
  close() {
    for (const { readers } of this.#feeds.values()) {
      for (const reader of readers) reader.end();
    }
  }
}

module.exports = { Streams };
