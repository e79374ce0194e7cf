'use strict';

/** Published limits, and the error that reports one. Sizes are UTF-8 bytes. */

const MAX_WORKER_TAGS = 5;
const MAX_TAG_NAME_BYTES = 256;
const MAX_KV_KEYS = 150;
const MAX_KV_VALUE_BYTES = 65536;
const MAX_CUSTOM_STATUS_BYTES = 262144;

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
  const size = byteSize(status);
  if (size > MAX_CUSTOM_STATUS_BYTES) {
    throw new LimitError(
      `Custom status size (${size} bytes) exceeds limit (${MAX_CUSTOM_STATUS_BYTES} bytes)`,
    );
  }
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
  const size = byteSize(tag);
  if (size > MAX_TAG_NAME_BYTES) {
    throw new LimitError(
      `Activity '${activity}' tag size (${size} bytes) exceeds limit (${MAX_TAG_NAME_BYTES} bytes)`,
    );
  }
}

module.exports = {
  MAX_WORKER_TAGS,
  MAX_TAG_NAME_BYTES,
  MAX_KV_KEYS,
  MAX_KV_VALUE_BYTES,
  LimitError,
  byteSize,
  checkPayload,
  checkCustomStatus,
  checkValue,
  checkKeyCount,
  checkTag,
};
