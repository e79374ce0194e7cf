'use strict';

const { spawn } = process.getBuiltinModule('node:child_process');
const fs = process.getBuiltinModule('node:fs');
const os = process.getBuiltinModule('node:os');
const path = process.getBuiltinModule('node:path');
const { DuroxideError } = require('./errors.js');
const { PacketReader } = require('./packets.js');

/**
 * The engine as a process of its own, for one environment: the same frames as those of the addon, through
 * the pipes of a child (docs/protocol.md). It lives as long as its environment.
 *
 * E1 Synchronous calls have pipes of their own, in which this thread waits for the answer.
 * E2 What comes is kept until it is fetched.
 * E3 The child sends the next frame when it is asked for one, once everything was fetched: what is on its way
 *    to a blocked thread is lost to others, so it is little.
 */

const GONE = -1;
/** In place of a length: the next frame is asked for. */
const MORE = Buffer.alloc(4, 0xff);
const OTHER_VERSION = 65;
const CALL_HEADER = 28;
const ANSWER_HEADER = 12;
/** How long a child may take until it can be called. */
const START_MS = 10_000;

/** Numbers of stores of one engine are not those of the one before. */
const NUMBERS = 2 ** 32;
let engines = 0;

/** Waits without the event loop. @param {number} ms */
function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** A host, as lib/native.d.ts describes it. */
class EngineProcess {
  #onWake;
  #child;
  #packets;
  #folder;
  /** @type {{ requests: number, answers: number } | null} */
  #pipes = null;
  #armed = true;
  /** Whether the child may send a frame. */
  #asked = true;
  #closed = false;
  /** @type {Error | null} */
  #ended = null;

  /**
   * @param {() => void} onWake
   * @param {{ program: string, version: string, mismatch: () => Error, broken: (cause: Error) => Error }} options
   */
  constructor(onWake, { program, version, mismatch, broken }) {
    this.#onWake = onWake;
    this.#folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-engine-'));
    const child = spawn(program, [version, this.#folder, String(engines++ * NUMBERS)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      windowsHide: true,
    });
    this.#child = child;
    this.#packets = new PacketReader(child.stdout);
    child.once('error', (error) => this.#end(broken(error)));
    child.once('close', (code, signal) =>
      this.#end(code === OTHER_VERSION ? mismatch() : ended(signal ?? code)),
    );
    // What cannot be written is told by the child's end.
    child.stdin.on('error', () => {});
    child.stdout.on('error', () => {});
    this.#packets.onPacket = () => {
      this.#asked = false;
      this.#wake();
    };
    process.once('exit', this.#forget);
    this.hold(false);
  }

  /** Why the engine serves no more, if it ended by itself. */
  whyEnded() {
    return this.#ended;
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    // A length of zero asks for an end in order: the child gives back what it holds. Where the pipe just
    // ends, the child dies with its host.
    this.#child.stdin.end(Buffer.alloc(4));
    this.#forget();
  }

  /**
   * @param {Uint8Array} out
   * @param {number} outLength
   * @param {Uint8Array} incoming
   * @param {number} most
   */
  exchange(out, outLength, incoming, most) {
    if (this.#closed || this.#ended !== null) return GONE;
    if (outLength > 0) {
      const packet = Buffer.allocUnsafe(4 + outLength);
      packet.writeUInt32LE(outLength, 0);
      packet.set(out.subarray(0, outLength), 4);
      this.#child.stdin.write(packet);
    }
    if (most === 0) return 0;
    const taken = this.#packets.take(incoming, most);
    this.#armed = taken === 0;
    if (taken === 0 && !this.#asked) {
      this.#asked = true;
      this.#child.stdin.write(MORE);
    }
    return taken;
  }

  /**
   * @param {number} operation
   * @param {number} token
   * @param {number} number
   * @param {string} text
   */
  call(operation, token, number, text) {
    return this.#ask(operation, token, number, text, false).result;
  }

  /**
   * @param {number} operation
   * @param {number} token
   * @param {number} number
   * @param {string} text
   */
  ask(operation, token, number, text) {
    const answer = this.#ask(operation, token, number, text, true);
    return answer.result < 0 ? null : answer.text;
  }

  /** @param {boolean} on */
  hold(on) {
    const word = on ? 'ref' : 'unref';
    this.#child[word]();
    for (const stream of [this.#child.stdin, this.#child.stdout]) {
      const socket = /** @type {import('node:net').Socket} */ (/** @type {unknown} */ (stream));
      socket[word]?.();
    }
  }

  #wake() {
    if (!this.#armed) return;
    this.#armed = false;
    this.#onWake();
  }

  /** @param {Error} reason */
  #end(reason) {
    this.#forget();
    if (this.#closed || this.#ended !== null) return;
    this.#ended = reason;
    // Whoever is woken, or polls, finds that it is gone.
    this.#onWake();
  }

  /** Leaves nothing on the disk. */
  #forget = () => {
    process.removeListener('exit', this.#forget);
    if (this.#pipes !== null) {
      fs.closeSync(this.#pipes.requests);
      fs.closeSync(this.#pipes.answers);
      this.#pipes = null;
    }
    fs.rmSync(this.#folder, { recursive: true, force: true });
  };

  /**
   * @param {number} operation
   * @param {number} token
   * @param {number} number
   * @param {string} text
   * @param {boolean} wantsText
   * @returns {{ result: number, text: string }}
   */
  #ask(operation, token, number, text, wantsText) {
    if (this.#closed || this.#ended !== null) return { result: GONE, text: '' };
    try {
      this.#pipes ??= this.#openPipes();
      const body = Buffer.from(text);
      const request = Buffer.alloc(CALL_HEADER + body.length);
      request.writeUInt32LE(body.length, 0);
      request.writeUInt32LE(operation, 4);
      request.writeBigUInt64LE(BigInt(token), 8);
      request.writeBigUInt64LE(BigInt(number), 16);
      request.writeUInt32LE(wantsText ? 1 : 0, 24);
      body.copy(request, CALL_HEADER);
      writeAll(this.#pipes.requests, request);
      const header = readAll(this.#pipes.answers, ANSWER_HEADER);
      const length = header.readUInt32LE(8);
      const answer = length === 0 ? '' : readAll(this.#pipes.answers, length).toString();
      return { result: Number(header.readBigInt64LE(0)), text: answer };
    } catch {
      // It has just ended, which is told in its own way.
      return { result: GONE, text: '' };
    }
  }

  #openPipes() {
    const requests = path.join(this.#folder, 'requests');
    const limit = Date.now() + START_MS;
    while (!fs.existsSync(requests)) {
      if (this.#child.pid === undefined || Date.now() > limit)
        throw new Error('it cannot be called');
      pause(1);
    }
    const { O_WRONLY, O_NONBLOCK } = fs.constants;
    // Without waiting: where the engine has ended, nobody will ever open the other end.
    const pipes = {
      requests: fs.openSync(requests, O_WRONLY | O_NONBLOCK),
      answers: fs.openSync(path.join(this.#folder, 'answers'), 'r'),
    };
    fs.rmSync(this.#folder, { recursive: true, force: true });
    return pipes;
  }
}

/** @param {number} file @param {Buffer} bytes */
function writeAll(file, bytes) {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(file, bytes, at);
    } catch (error) {
      if (/** @type {any} */ (error).code !== 'EAGAIN') throw error;
      pause(1);
    }
  }
}

/** @param {number} file @param {number} length */
function readAll(file, length) {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const read = fs.readSync(file, bytes, at, length - at, null);
    if (read === 0) throw new Error('the pipe has ended');
    at += read;
  }
  return bytes;
}

/** @param {string | number | null} how a signal or an exit code */
function ended(how) {
  return new DuroxideError(`the engine, a process of its own, has ended (${how})`, {
    code: 'HOST_GONE',
  });
}

module.exports = { EngineProcess };
