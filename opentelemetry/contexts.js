'use strict';

const { ROOT_CONTEXT, isSpanContextValid, propagation, trace } = require('@opentelemetry/api');
const { executionSpanId } = require('./span-ids.js');

/** In which context something of an instance runs: it comes from the headers, which are stored with the instance. */

/**
 * @typedef {import('@opentelemetry/api').Context} Context
 * @typedef {{
 *   instanceId: string, executionId: number, headers: Readonly<Record<string, string>>,
 * }} Place
 */

/** What headers may have together, as JSON text. A start with more is refused. */
const MAX_HEADER_BYTES = 8192;

/** Gives the context of whoever has started the instance. @param {Place} place */
function callerOf({ headers }) {
  return propagation.extract(ROOT_CONTEXT, headers);
}

/**
 * Gives a context whose span is that of an execution, whether there is such a span already or not; null where it
 * cannot be known.
 *
 * @param {Context} caller
 * @param {string} instanceId
 * @param {number} executionId
 */
function inExecution(caller, instanceId, executionId) {
  const span = trace.getSpanContext(caller);
  if (span === undefined || !isSpanContextValid(span)) return null;
  const spanId = executionSpanId(span, instanceId, executionId);
  return trace.setSpanContext(caller, { ...span, spanId, isRemote: true });
}

/** How many contexts are remembered at most. */
const MOST_KNOWN = 1000;

/**
 * Gives what finds the context in which steps and activities of an execution run: that of its span, or that of
 * the caller where ids of spans are not ours. They come again and again for the same execution.
 *
 * @param {boolean} hasIds
 * @returns {(place: Place) => Context}
 */
function contexts(hasIds) {
  /** @type {Map<string, Context>} */
  const known = new Map();
  return (place) => {
    const { headers, instanceId, executionId } = place;
    const key = JSON.stringify([instanceId, executionId, headers]);
    const last = known.get(key);
    if (last !== undefined) return last;
    const caller = callerOf(place);
    const context = (hasIds && inExecution(caller, instanceId, executionId)) || caller;
    if (known.size === MOST_KNOWN) known.clear();
    known.set(key, context);
    return context;
  };
}

/**
 * Adds a context to the headers of a start. What does not fit stays away, since a start must not fail for it.
 *
 * @param {Context} context
 * @param {Record<string, string>} headers
 */
function addTo(context, headers) {
  for (const chosen of [context, propagation.deleteBaggage(context)]) {
    /** @type {Record<string, string>} */
    const carried = {};
    propagation.inject(chosen, carried);
    const size = Buffer.byteLength(JSON.stringify({ ...headers, ...carried }));
    if (size > MAX_HEADER_BYTES) continue;
    Object.assign(headers, carried);
    return;
  }
}

module.exports = { addTo, callerOf, contexts, inExecution };
