'use strict';

const { createHash, randomBytes } = require('node:crypto');

/**
 * Ids of spans. The span of an execution is made when it has ended, perhaps by another process than the one that
 * began it, and its activities have named it as their parent long before: so its id is made of what all of them
 * know. All other ids are random.
 */

const TRACE_BYTES = 16;
const SPAN_BYTES = 8;

/** @param {number} size */
function random(size) {
  const bytes = randomBytes(size);
  // Zero is no id.
  if (bytes.every((byte) => byte === 0)) bytes[0] = 1;
  return bytes.toString('hex');
}

/** Its documentation is in index.d.ts. */
class SpanIds {
  /** @type {string | null} */
  #next = null;

  generateTraceId() {
    return random(TRACE_BYTES);
  }

  generateSpanId() {
    const id = this.#next ?? random(SPAN_BYTES);
    this.#next = null;
    return id;
  }

  /**
   * Makes a span, whose id this generator is asked for, with that id; null is any.
   *
   * @template T
   * @param {string | null} id
   * @param {() => T} make
   */
  _with(id, make) {
    this.#next = id;
    try {
      return make();
    } finally {
      this.#next = null;
    }
  }
}

/**
 * Gives the id of the span of an execution.
 *
 * @param {import('@opentelemetry/api').SpanContext} caller that of the start
 * @param {string} instanceId
 * @param {number} executionId
 */
function executionSpanId({ traceId, spanId }, instanceId, executionId) {
  const known = JSON.stringify([traceId, spanId, instanceId, executionId]);
  return createHash('sha256')
    .update(known)
    .digest('hex')
    .slice(0, 2 * SPAN_BYTES);
}

module.exports = { SpanIds, executionSpanId };
