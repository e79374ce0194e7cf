'use strict';

/** Published limits, and the error that reports one. Sizes are UTF-8 bytes. */

/** Of what a caller gives as an id, a name or a key; history/limits.go has the same. */
const MAX_NAME_BYTES = 2000;
/** Of ids that the engine makes for children. */
const MAX_ID_BYTES = 2600;
const MAX_VERSION_BYTES = 256;
const MAX_WORKER_TAGS = 5;
const MAX_TAG_NAME_BYTES = 256;
const MAX_KV_KEYS = 150;
const MAX_KV_VALUE_BYTES = 65536;
const MAX_CUSTOM_STATUS_BYTES = 262144;
const MAX_HEARTBEAT_BYTES = 65536;

/**
 * V8 holds at most 2^29 - 24 UTF-16 units in a string, and the engine hands back no text of more
 * bytes than that; so one that is close to it is refused where it is made.
 */
const MAX_PAYLOAD_BYTES = 2 ** 29 - 1024;

/** A value is larger than a published limit. The message names the limit. */
class LimitError extends RangeError {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.code = 'LIMIT_EXCEEDED';
  }
}
// On the prototype, so that it is not enumerable.
Object.defineProperty(LimitError.prototype, 'name', {
  value: 'LimitError',
  configurable: true,
  writable: true,
});

/**
 * Gives the size of a text in UTF-8 bytes.
 *
 * @param {string} text
 */
function byteSize(text) {
  return Buffer.byteLength(text, 'utf8');
}

let areNamesLimited = true;

/**
 * Says whether names have a limit from now on. They have none in a run of an execution that began
 * before there was one: it does again what it did, and what its history holds.
 *
 * @param {boolean} limited
 */
function limitNames(limited) {
  areNamesLimited = limited;
}

/**
 * Refuses an id, a name or a key that is too long.
 *
 * @param {string} what
 * @param {string} text
 */
function checkName(what, text) {
  // A UTF-16 unit has at most three bytes, so most texts need no counting.
  if (text.length * 3 > MAX_NAME_BYTES) checkText(what, text, MAX_NAME_BYTES);
}

/**
 * Refuses the id of an instance that no instance can have.
 *
 * @param {string} what
 * @param {string} id
 */
function checkId(what, id) {
  if (id.length * 3 > MAX_ID_BYTES) checkText(what, id, MAX_ID_BYTES);
}

/**
 * Refuses a version that is too long.
 *
 * @param {string} what
 * @param {string} text
 */
function checkVersion(what, text) {
  checkText(what, text, MAX_VERSION_BYTES);
}

/**
 * @param {string} what
 * @param {string} text
 * @param {number} most
 */
function checkText(what, text, most) {
  if (areNamesLimited) checkSize(what, text, most);
}

/**
 * Refuses a text that is too long.
 *
 * @param {string} what
 * @param {string} text
 * @param {number} most bytes
 * @returns {string} the text
 */
function checkSize(what, text, most) {
  const size = byteSize(text);
  if (size <= most) return text;
  throw new LimitError(`${what} size (${size} bytes) exceeds limit (${most} bytes)`);
}

/**
 * Refuses the text of an input, result or message that is too large.
 *
 * @param {string} what
 * @param {string} text
 */
function checkPayload(what, text) {
  // A UTF-16 unit has at most three bytes, so most texts need no counting.
  const size = text.length * 3 <= MAX_PAYLOAD_BYTES ? 0 : byteSize(text);
  if (size > MAX_PAYLOAD_BYTES) {
    throw new LimitError(`${what} (${size} bytes) exceeds limit (${MAX_PAYLOAD_BYTES} bytes)`);
  }
}

/**
 * Refuses a custom status that is too large.
 *
 * @param {string} status
 */
function checkCustomStatus(status) {
  checkSize('Custom status', status, MAX_CUSTOM_STATUS_BYTES);
}

/**
 * Refuses a stored value that is too large.
 *
 * @param {string} key
 * @param {string} value
 */
function checkValue(key, value) {
  const size = byteSize(value);
  if (size > MAX_KV_VALUE_BYTES) {
    throw new LimitError(
      `KV value for key '${key}' (${size} bytes) exceeds limit (${MAX_KV_VALUE_BYTES} bytes)`,
    );
  }
}

/**
 * Refuses a number of keys that is too high.
 *
 * @param {number} count
 */
function checkKeyCount(count) {
  if (count > MAX_KV_KEYS) {
    throw new LimitError(`KV key count (${count}) exceeds limit (${MAX_KV_KEYS})`);
  }
}

/**
 * Refuses a tag that is too large.
 *
 * @param {string} activity
 * @param {string} tag
 */
function checkTag(activity, tag) {
  checkSize(`Activity '${activity}' tag`, tag, MAX_TAG_NAME_BYTES);
}

module.exports = {
  MAX_NAME_BYTES,
  MAX_WORKER_TAGS,
  MAX_TAG_NAME_BYTES,
  MAX_KV_KEYS,
  MAX_KV_VALUE_BYTES,
  MAX_HEARTBEAT_BYTES,
  LimitError,
  byteSize,
  limitNames,
  checkName,
  checkId,
  checkVersion,
  checkPayload,
  checkCustomStatus,
  checkValue,
  checkKeyCount,
  checkTag,
  checkSize,
};
