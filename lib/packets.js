'use strict';

/** Frames that come through a pipe, each after its length, kept until they are fetched. */

const FRAME_HEADER = 8;
const LENGTH_FIELD = 4;

/** @typedef {{ bytes: Buffer, at: number, left: number }} Frame at and left: the records not taken yet */

class PacketReader {
  /** @type {Frame[]} */
  #frames = [];
  /** The packet that is under way: its length field first. */
  #packet = Buffer.alloc(LENGTH_FIELD);
  #filled = 0;
  #isLength = true;

  /** Called when something new can be taken. */
  onPacket = () => {};

  /** @param {import('node:stream').Readable} stream */
  constructor(stream) {
    stream.on('data', (/** @type {Buffer} */ chunk) => this.#read(chunk));
  }

  /** @param {Buffer} chunk */
  #read(chunk) {
    let hasNew = false;
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(this.#packet, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === this.#packet.length) hasNew = this.#complete() || hasNew;
    }
    if (hasNew) this.onPacket();
  }

  /** Takes what is complete; true if it was a frame. */
  #complete() {
    const packet = this.#packet;
    this.#isLength = !this.#isLength;
    this.#packet = Buffer.alloc(this.#isLength ? LENGTH_FIELD : packet.readUInt32LE(0));
    this.#filled = 0;
    if (!this.#isLength) return false;
    this.#frames.push({ bytes: packet, at: FRAME_HEADER, left: packet.readUInt32LE(0) });
    return true;
  }

  /**
   * Writes a frame of at most so many records. Gives its length, zero if there is none, or the capacity
   * that the first record needs, negated.
   *
   * @param {Uint8Array} into
   * @param {number} most
   */
  take(into, most) {
    const target = Buffer.from(into.buffer, into.byteOffset, into.byteLength);
    let end = FRAME_HEADER;
    let count = 0;
    while (count < most && this.#frames.length > 0) {
      const [frame] = this.#frames;
      const size = frame.bytes.readUInt32LE(frame.at);
      if (end + size > target.length) {
        if (count === 0) return -(FRAME_HEADER + size);
        break;
      }
      frame.bytes.copy(target, end, frame.at, frame.at + size);
      end += size;
      count += 1;
      this.#advance(frame, size);
    }
    if (count === 0) return 0;
    target.writeUInt32LE(count, 0);
    target.writeUInt32LE(0, LENGTH_FIELD);
    return end;
  }

  /** @param {Frame} frame @param {number} size */
  #advance(frame, size) {
    frame.at += size;
    frame.left -= 1;
    if (frame.left > 0) return;
    this.#frames.shift();
  }
}

module.exports = { PacketReader };
