'use strict';

const { types } = process.getBuiltinModule('node:util');
const { disown } = require('./disown.js');
const {
  DuroxideError,
  NonRetryableError,
  RetryableError,
  factsOf,
  kindOf,
} = require('./errors.js');
const { LimitError } = require('./limits.js');

/**
 * What was thrown, as data and back: its name, message, code, stack, own data, and its causes. All of it
 * is bounded, and nothing that can be thrown makes it throw.
 */

/** The longest chain of causes. */
const MAX_DEPTH = 8;
/** The most errors of an AggregateError. */
const MAX_ERRORS = 16;
/** The longest message, stack, and JSON text of own data of one error, in UTF-16 units. */
const MAX_TEXT = 16384;
/** The longest message of what is not a cause. */
const MAX_MESSAGE = 262_144;
/** The longest name or code, and the longest JSON text that stands for the message of something that has none. */
const MAX_WORD = 1024;

/** What is said of what says nothing. */
const NOT_DESCRIBED = 'a value that cannot be described';

/** What is described by fields of its own, not as data. */
const FIELDS = new Set(['name', 'message', 'stack', 'code', 'cause', 'errors']);

/**
 * @typedef {{
 *   name: string, message: string, stack: string | null, cause: Described | null,
 *   code?: string | number, data?: Record<string, unknown>, errors?: Described[],
 *   own?: true, kind?: string, activity?: string, attempts?: number, final?: true,
 *   retryAfterMs?: number, decision?: true, left?: import('./native').Left,
 * }} Described
 *   `own`: an error of this package; `final`: no policy tries again; `retryAfterMs`: the pause before it;
 *   `left`: what an attempt leaves to the next one; `decision`: the code has thrown it that was to decide about another attempt
 */

/**
 * Describes anything that can be thrown. It never throws itself.
 *
 * @param {unknown} thrown
 * @returns {Described}
 */
function describe(thrown) {
  return describeWithin(thrown, []);
}

/**
 * @param {any} thrown
 * @param {unknown[]} outer what this is a cause of
 * @returns {Described}
 */
function describeWithin(thrown, outer) {
  try {
    disown(thrown);
    /** @param {unknown} text */
    const message = (text) => shorten(String(text), outer.length ? MAX_TEXT : MAX_MESSAGE);
    if (typeof thrown !== 'object' || thrown === null) {
      return { name: '', message: message(thrown), stack: null, cause: null };
    }
    const hasStack = isError(thrown) && typeof thrown.stack === 'string';
    /** @type {Described} */
    const described = {
      name: shorten(nameOf(thrown), MAX_WORD),
      message: message(isError(thrown) ? (thrown.message ?? '') : messageOfObject(thrown)),
      stack: hasStack ? shorten(thrown.stack) : null,
      cause: null,
    };
    addData(described, thrown);
    addCauses(described, thrown, [...outer, thrown]);
    return described;
  } catch {
    return { name: '', message: NOT_DESCRIBED, stack: null, cause: null };
  }
}

/**
 * @param {any} value
 * @returns {boolean}
 */
function isError(value) {
  // An error of another realm is no instance of ours, but has the same shape.
  return (
    value instanceof Error ||
    types.isNativeError(value) ||
    (typeof value === 'object' && value !== null && 'message' in value && 'stack' in value)
  );
}

/** @param {any} thrown an object */
function nameOf(thrown) {
  if (isError(thrown)) return String(thrown.name ?? 'Error');
  return typeof thrown.name === 'string' ? thrown.name : '';
}

/**
 * Gives the message of a thrown object that is no error: what it calls its message, what it says as a
 * text, or its JSON text where that would be `[object Object]`.
 *
 * @param {any} thrown
 * @returns {string}
 */
function messageOfObject(thrown) {
  if (typeof thrown.message === 'string') return thrown.message;
  const hasText = typeof thrown.toString === 'function';
  const text = hasText ? String(thrown) : NOT_DESCRIBED;
  if (hasText && !/^\[object \w+\]$/.test(text)) return text;
  const json = jsonOf(thrown);
  return json === undefined || json === '{}' ? text : shorten(json, MAX_WORD);
}

/**
 * @param {Described} described
 * @param {any} thrown
 */
function addData(described, thrown) {
  const { code } = thrown;
  if (typeof code === 'number') described.code = code;
  if (typeof code === 'string') described.code = shorten(code, MAX_WORD);
  const data = dataOf(thrown);
  if (data !== undefined) described.data = data;
  if (isOwn(thrown)) described.own = true;
}

/**
 * Gives a copy of the own enumerable data of a thrown object as far as it has a JSON form and is not too
 * large.
 *
 * @param {any} thrown
 */
function dataOf(thrown) {
  const keys = Object.keys(thrown).filter((key) => !FIELDS.has(key));
  if (thrown.status !== undefined && !keys.includes('status')) keys.push('status');
  let room = MAX_TEXT;
  /** @type {[string, unknown][]} */
  const entries = [];
  for (const key of keys) {
    const text = jsonOf(thrown[key]);
    if (text === undefined || text.length + key.length > room) continue;
    room -= text.length + key.length;
    entries.push([key, JSON.parse(text)]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/**
 * Gives the JSON text of a value, or undefined if it has none.
 *
 * @param {unknown} value
 * @returns {string | undefined}
 */
function jsonOf(value) {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/**
 * @param {Described} described
 * @param {any} thrown
 * @param {unknown[]} outer
 */
function addCauses(described, thrown, outer) {
  if (outer.length >= MAX_DEPTH) return;
  const { cause, errors } = thrown;
  if (cause !== undefined && cause !== null && !outer.includes(cause)) {
    described.cause = describeWithin(cause, outer);
  }
  if (isError(thrown) && Array.isArray(errors)) {
    described.errors = errors.slice(0, MAX_ERRORS).map((error) => describeWithin(error, outer));
  }
}

/**
 * @param {string} text
 * @param {number} [most]
 */
function shorten(text, most = MAX_TEXT) {
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

/** @param {unknown} thrown */
function isOwn(thrown) {
  return thrown instanceof DuroxideError || thrown instanceof LimitError;
}

/**
 * Gives the text by which a thrown value is known: `<name>: <message>` for an error, the text of
 * anything else. The errors of this package pass their message as it is, so that a failure that
 * nobody caught does not grow from level to level.
 *
 * @param {Described} described
 * @param {{ plainErrorName: boolean }} options whether the name `Error` itself is worth saying
 * @returns {string}
 */
function textOf({ name, message, own }, { plainErrorName }) {
  if (own || name === '' || (name === 'Error' && !plainErrorName && message !== '')) return message;
  return message === '' ? name : `${name}: ${message}`;
}

/**
 * Gives what may be asked for its class: a revoked proxy may not, and null stands for it.
 *
 * @param {unknown} thrown
 */
function asked(thrown) {
  try {
    return thrown instanceof Error ? thrown : (thrown ?? null);
  } catch {
    return null;
  }
}

/**
 * Describes what orchestration code threw: its text, and what the engine keeps of it.
 *
 * @param {unknown} thrown
 * @param {unknown} [because] what lies behind it, unless it says so itself
 * @param {(error: unknown) => boolean} [isSaid] whether an error says that
 * @returns {{ message: string, details: string }}
 */
function encodeOutcome(thrown, because, isSaid = () => false) {
  const described = describe(thrown);
  if (because !== undefined) addLastCause(described, thrown, because, isSaid);
  const kind = kindOf(asked(thrown));
  if (kind !== 'application') described.kind = kind;
  const { activity, attempts } = factsOf(thrown)?.failure ?? {};
  if (activity !== undefined) described.activity = activity;
  if (attempts !== undefined) described.attempts = attempts;
  const { message, details } = encoded(described, { plainErrorName: false });
  return { message, details };
}

/**
 * Adds a cause at the end of a chain, unless that has one already of which a function says that it will do.
 *
 * @param {Described} described
 * @param {any} thrown
 * @param {unknown} because
 * @param {(error: unknown) => boolean} isSaid
 */
function addLastCause(described, thrown, because, isSaid) {
  let [last, error] = [described, thrown];
  for (let depth = 1; depth < MAX_DEPTH && !isSaid(error); depth++) {
    if (!last.cause) {
      last.cause = describe(because);
      return;
    }
    [last, error] = [/** @type {any} */ (last.cause), error?.cause];
  }
}

/**
 * Describes what an activity threw. It is an application's failure whatever its class; `kind` says
 * otherwise where the result, and not the code, is to blame.
 *
 * @param {unknown} thrown
 * @param {{ kind?: string, final?: true, left?: import('./native').Left }} [more]
 * @returns {{ message: string, details: string, described: Described }}
 */
function encodeThrown(thrown, more = {}) {
  const described = { ...describe(thrown), ...more };
  const error = asked(thrown);
  if (error instanceof NonRetryableError) described.final = true;
  if (error instanceof RetryableError && error.retryAfterMs !== undefined) {
    described.retryAfterMs = error.retryAfterMs;
  }
  return encoded(described, { plainErrorName: true });
}

/**
 * Describes what the decision about another attempt has thrown.
 *
 * @param {unknown} thrown
 */
function encodeDecision(thrown) {
  return encoded({ ...describe(thrown), decision: true }, { plainErrorName: true });
}

/**
 * @param {Described} described
 * @param {{ plainErrorName: boolean }} options
 */
function encoded(described, options) {
  const message = textOf(described, options);
  const details = JSON.stringify({ ...described, message: shorten(described.message) });
  return { message, details, described };
}

/**
 * Makes an error of a description; undefined if there is none.
 *
 * @param {any} described
 * @returns {Error | undefined}
 */
function revive(described) {
  if (typeof described !== 'object' || described === null) return undefined;
  const { message, name, stack, code, data, errors } = described;
  if (typeof message !== 'string') return undefined;
  const cause = revive(described.cause);
  const options = cause === undefined ? undefined : { cause };
  const error = Array.isArray(errors)
    ? new AggregateError(errors.map(revive), message, options)
    : new Error(message, options);
  if (name && name !== error.name) define(error, 'name', String(name), false);
  define(error, 'stack', stack ?? `${name || 'Error'}: ${message}`, false);
  if (code !== undefined) define(error, 'code', code, true);
  for (const [key, value] of Object.entries(data ?? {})) define(error, key, value, true);
  return error;
}

/**
 * @param {object} target
 * @param {string} key
 * @param {unknown} value
 * @param {boolean} enumerable
 */
function define(target, key, value, enumerable) {
  Object.defineProperty(target, key, { value, enumerable, configurable: true, writable: true });
}

module.exports = { describe, encodeDecision, encodeOutcome, encodeThrown, revive };
