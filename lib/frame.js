'use strict';

/**
 * Frames: many records in one buffer, the same layout in both directions (docs/protocol.md).
 *
 * F1 A string that was read is a copy of its own: a part of one large decoded text would keep the
 *    whole frame alive.
 * F2 A record is written completely or not at all: what throws leaves the frame as it was.
 */

const FRAME_HEADER = 8;
const RECORD_HEADER = 24;
const NO_STRING = 0xffffffff;
const HIGH = 0x100000000;
/** Above this many UTF-16 units the exact length is computed before more room is made. */
const EXACT_FROM = 4096;
const MAX_FRAME = 0x7ffffff8;

/** @param {number} n */
const align = (n) => Math.ceil(n / 8) * 8;

/**
 * Appends a number below 2^53 as two integers.
 *
 * @param {number[]} ints
 * @param {number} n
 */
function pushLong(ints, n) {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`${n} is not a whole number`);
  ints.push(n >>> 0, Math.floor(n / HIGH));
}

/** A buffer of bytes that is also seen as 32-bit words. */
class Memory {
  /** @param {number} size a multiple of 8 */
  constructor(size) {
    const memory = new ArrayBuffer(size);
    this.size = size;
    this.bytes = /** @type {import('./native').RawBuffer} */ (
      /** @type {unknown} */ (Buffer.from(memory))
    );
    this.words = new Uint32Array(memory);
  }
}

class FrameWriter {
  #memory;
  #initialSize;
  #end = FRAME_HEADER;
  #count = 0;

  /** @param {number} size in bytes, to begin with */
  constructor(size) {
    this.#initialSize = size;
    this.#memory = new Memory(size);
  }

  get isEmpty() {
    return this.#count === 0;
  }

  get bytes() {
    return this.#memory.bytes;
  }

  /** Ends the frame and gives its length; zero if there are no records. */
  finish() {
    if (this.#count === 0) return 0;
    this.#memory.words[0] = this.#count;
    this.#memory.words[1] = 0;
    return this.#end;
  }

  /** Begins a new frame. */
  reset() {
    this.#end = FRAME_HEADER;
    this.#count = 0;
  }

  /**
   * Gives memory above the limit back. The frame must be empty.
   *
   * @param {number} limit in bytes
   */
  shrink(limit) {
    if (this.#memory.size > limit && this.#count === 0) {
      this.#memory = new Memory(this.#initialSize);
    }
  }

  /**
   * Appends a record.
   *
   * @param {number} kind
   * @param {number} flags
   * @param {number} token
   * @param {number[]} ints
   * @param {(string | null | undefined)[]} strings
   */
  write(kind, flags, token, ints, strings) {
    const start = this.#end;
    const body = start + align(RECORD_HEADER + 4 * (ints.length + strings.length));
    this.#reserve(body);
    const { words } = this.#memory;
    let at = start / 4;
    words[at + 1] = kind | (flags << 16);
    words[at + 2] = token >>> 0;
    words[at + 3] = Math.floor(token / HIGH);
    words[at + 4] = ints.length;
    words[at + 5] = strings.length;
    at += RECORD_HEADER / 4;
    for (const n of ints) words[at++] = n;
    const end = align(this.#writeStrings(at, body, strings));
    this.#reserve(end);
    this.#memory.words[start / 4] = end - start;
    this.#end = end;
    this.#count++;
  }

  /**
   * @param {number} at word of the first length field
   * @param {number} body
   * @param {(string | null | undefined)[]} strings
   */
  #writeStrings(at, body, strings) {
    let end = body;
    for (const string of strings) {
      if (string === null || string === undefined) {
        this.#memory.words[at++] = NO_STRING;
        continue;
      }
      if (typeof string !== 'string') throw new TypeError(`a ${typeof string} is not a string`);
      const most = string.length * 3;
      const fits = string.length < EXACT_FROM || end + most <= this.#memory.size;
      const room = fits ? most : Buffer.byteLength(string);
      this.#reserve(end + room);
      const length = this.#memory.bytes.utf8Write(string, end, room);
      this.#memory.words[at++] = length * 2;
      end += length;
    }
    return end;
  }

  /** @param {number} size */
  #reserve(size) {
    const old = this.#memory;
    if (size <= old.size) return;
    if (size > MAX_FRAME) throw new RangeError('a record is too large for a frame');
    this.#memory = new Memory(Math.min(MAX_FRAME, Math.max(old.size * 2, align(size))));
    this.#memory.bytes.set(old.bytes);
  }
}

class FrameReader {
  #memory;
  #initialSize;
  #left = 0;
  #next = 0;
  #int = 0;
  #string = 0;
  #body = 0;

  /** The fields of the current record. */
  kind = 0;
  flags = 0;
  token = 0;

  /** @param {number} size in bytes, to begin with */
  constructor(size) {
    this.#initialSize = size;
    this.#memory = new Memory(size);
  }

  get bytes() {
    return this.#memory.bytes;
  }

  /** Whether records of the frame are left; the buffer is theirs until then. */
  get hasMore() {
    return this.#left > 0;
  }

  /**
   * Replaces the buffer by a larger one. The frame must have been read.
   *
   * @param {number} size the least size
   */
  grow(size) {
    this.#memory = new Memory(Math.max(this.#memory.size * 2, align(size)));
  }

  /** @param {number} limit in bytes */
  shrink(limit) {
    if (this.#memory.size > limit) this.#memory = new Memory(this.#initialSize);
  }

  /** Begins to read the frame in the buffer. */
  load() {
    this.#left = this.#memory.words[0];
    this.#next = FRAME_HEADER;
  }

  /** Goes to the next record, which must be there. */
  advance() {
    const { words } = this.#memory;
    const start = this.#next;
    const at = start / 4;
    this.kind = words[at + 1] & 0xffff;
    this.flags = words[at + 1] >>> 16;
    this.token = words[at + 2] + words[at + 3] * HIGH;
    const ints = words[at + 4];
    const strings = words[at + 5];
    this.#int = at + RECORD_HEADER / 4;
    this.#string = this.#int + ints;
    this.#body = start + align(RECORD_HEADER + 4 * (ints + strings));
    this.#next = start + words[at];
    this.#left--;
  }

  int() {
    return this.#memory.words[this.#int++];
  }

  long() {
    const low = this.int();
    return low + this.int() * HIGH;
  }

  /** The next string, which must be there. */
  string() {
    const string = this.optionalString();
    if (string === null) throw new TypeError(`a record of kind ${this.kind} lacks a string`);
    return string;
  }

  /** The next string, or null. */
  optionalString() {
    const field = this.#memory.words[this.#string++];
    if (field === NO_STRING) return null;
    const start = this.#body;
    this.#body += field >>> 1;
    return field & 1
      ? this.#memory.bytes.latin1Slice(start, this.#body)
      : this.#memory.bytes.utf8Slice(start, this.#body);
  }
}

module.exports = { FrameReader, FrameWriter, pushLong };
