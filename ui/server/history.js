'use strict';

/** Recorded events as the page shows them: what is the application's apart from what is ours. */

const { asText, parsed, payload } = require('./redact.js');

/** @typedef {import('./redact.js').ValueKind} ValueKind */

/** Kinds whose data is a value of the application as a whole. @type {Record<string, ValueKind>} */
const WHOLE = {
  ActivityCompleted: 'output',
  SubOrchestrationCompleted: 'output',
  OrchestrationCompleted: 'output',
  PromiseResolved: 'output',
};

/** Kinds whose data has fields of ours. What is of another kind is hidden as a whole. */
const RECORDS = new Set([
  'ActivityScheduled',
  'ActivityCancelRequested',
  'CustomStatusUpdated',
  'ExternalEvent',
  'ExternalSubscribed',
  'ExternalSubscribedCancelled',
  'KeyValueCleared',
  'KeyValueSet',
  'MessageSent',
  'OrchestrationCancelRequested',
  'OrchestrationCancelling',
  'OrchestrationChained',
  'OrchestrationContinuedAsNew',
  'OrchestrationRetried',
  'OrchestrationRewound',
  'OrchestrationForked',
  'OrchestrationStarted',
  'OrchestrationTerminateRequested',
  'PatchDecided',
  'QueueEventDelivered',
  'QueueSubscribed',
  'QueueSubscriptionCancelled',
  'SubOrchestrationCancelRequested',
  'SubOrchestrationScheduled',
  'TimerCreated',
  'TimerFired',
]);

/** Fields that are the application's. @type {Record<string, ValueKind>} */
const VALUES = {
  input: 'input',
  status: 'customStatus',
  value: 'value',
  reason: 'reason',
  failure: 'error',
};

/** What `data` is, by the kind of the event. @type {Record<string, ValueKind>} */
const DATA = { ExternalEvent: 'event', QueueEventDelivered: 'message', MessageSent: 'message' };

/** Fields that name things; names are not hidden. */
const NAMES = ['name', 'version', 'instance', 'key', 'tag', 'sessionId', 'what', 'by'];

/** Fields that code's own policy and a repair have written, without data of the application. */
const OURS = ['policy', 'undone'];

/** Kinds whose texts may be JSON of their own. */
const TEXTS = ['customStatus', 'value'];

/** The first line of a stack that is not within Node.js. @param {unknown} stack */
function placeIn(stack) {
  if (typeof stack !== 'string') return undefined;
  const lines = stack.split('\n').map((line) => /^\s*at (.*)$/.exec(line)?.[1]);
  return lines.find((line) => line !== undefined && !/node:|<anonymous>/.test(line));
}

/**
 * What a field is of the application's, or null for what names and counts.
 *
 * @param {string} kind
 * @param {string} field
 * @param {unknown} value
 * @returns {ValueKind | 'ours' | null}
 */
function valueKind(kind, field, value) {
  if (OURS.includes(field)) return 'ours';
  if (field === 'data') return DATA[kind] ?? 'event';
  if (field in VALUES) return VALUES[field];
  const isFact = NAMES.includes(field) || ['number', 'boolean'].includes(typeof value);
  return isFact ? null : 'event';
}

/** A text that may be JSON of its own. @param {unknown} value */
function read(value) {
  return typeof value === 'string' ? parsed(value) : value;
}

/** Where code has thrown what an event records. @param {any} data */
function placeOf(data) {
  const [failure] = Object.values(data ?? {});
  return placeIn(/** @type {any} */ (failure)?.details?.stack);
}

/**
 * Reads events of one instance.
 *
 * @param {string} instanceId
 * @param {import('./redact.js').Redact} redact
 * @param {number} [most] how long values are
 */
function reader(instanceId, redact, most) {
  /** @param {ValueKind} kind @param {string | null} name @param {unknown} value */
  const hide = (kind, name, value) =>
    redact(TEXTS.includes(kind) ? read(value) : value, { kind, name, instanceId });

  /** @param {string} kind @param {Record<string, unknown>} data */
  const fieldsOf = (kind, data) => {
    /** @type {Record<string, unknown>} */
    const facts = {};
    /** @type {Record<string, import('./redact.js').Payload>} */
    const values = {};
    const name = String(data.name ?? data.key ?? '') || null;
    for (const [field, value] of Object.entries(data)) {
      const is = valueKind(kind, field, value);
      if (is === null) facts[field] = value;
      else values[field] = payload(is === 'ours' ? value : hide(is, name, value), most);
    }
    return { facts, values };
  };

  /** @param {any} event @param {string | null} name of what failed */
  const failureIn = (event, name) => {
    const failure = hide('error', event.failure.activity ?? name, event.failure);
    const place = failure === event.failure ? placeOf(parsed(event.data ?? 'null')) : undefined;
    return { failure: payload(failure, most), ...(place !== undefined && { place }) };
  };

  /** @param {any} event @param {string | null} name of what it answers */
  const contentOf = (event, name) => {
    if (event.failure !== undefined) return failureIn(event, name);
    if (event.data === undefined) return {};
    const data = parsed(event.data);
    if (RECORDS.has(event.kind)) return fieldsOf(event.kind, data);
    const whole = WHOLE[event.kind];
    return { values: { [whole ?? 'data']: payload(hide(whole ?? 'event', name, data), most) } };
  };

  /** @param {any[]} events of one execution, from the first one on @param {number} [from] */
  return (events, from = 0) => {
    const names = new Map();
    for (const { eventId, kind, data } of events) {
      const name = RECORDS.has(kind) ? parsed(data ?? 'null')?.name : undefined;
      if (typeof name === 'string') names.set(eventId, name);
    }
    return events.slice(from).map((event) => {
      const { eventId, kind, timestampMs, sourceEventId } = event;
      const name = names.get(sourceEventId) ?? names.get(eventId) ?? null;
      return {
        eventId,
        kind,
        at: timestampMs,
        ...(sourceEventId !== undefined && { source: sourceEventId }),
        ...(name !== null && { name }),
        ...contentOf(event, name),
      };
    });
  };
}

/**
 * Hides what is the application's in a failure, as others tell it.
 *
 * @param {import('./redact.js').Redact} redact
 * @param {{ failure?: any, error?: string }} told
 * @param {{ name: string | null, instanceId: string }} of
 */
function failureOf(redact, { failure, error }, of) {
  if (failure === undefined && error === undefined) return {};
  const about = { ...of, kind: /** @type {const} */ ('error') };
  return {
    ...(error !== undefined && { error: asText(redact(error, about)) }),
    ...(failure !== undefined && { failure: payload(redact(failure, about)) }),
  };
}

module.exports = { failureOf, reader };
