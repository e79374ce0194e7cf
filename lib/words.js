'use strict';

/**
 * Memory that this thread and the engine both see. Each record that asks for user code has a word in
 * it, which says whether that code has begun: whoever changes the word first decides, so that the
 * engine can give what this thread has not begun to another process. Mirrors bridge/words.go, which
 * states the rules.
 */

/** As many as records may wait here at a time; what has begun needs its word no more. */
const COUNT = 1 << 14;
const MARKS = 0x20000000;
const WAITING = 1;
const BEGUN = 2;
/** The word that names the record whose code holds the thread. */
const THREAD = 0;
/** A record without a word: nobody but this thread decides about it. */
const NO_WORD = 0;

class Words {
  memory = new Int32Array(new SharedArrayBuffer(COUNT * Int32Array.BYTES_PER_ELEMENT));

  /**
   * Says that the code of a record is about to be called. False: the engine has taken the record
   * back, and its code must not be called.
   *
   * @param {{ token: number, word: number }} record
   */
  begin({ token, word }) {
    const mark = (token % MARKS) * 4;
    Atomics.store(this.memory, THREAD, mark + BEGUN);
    if (word === NO_WORD || this.#change(word, mark)) return true;
    this.pause();
    return false;
  }

  /**
   * @param {number} word
   * @param {number} mark
   */
  #change(word, mark) {
    const before = mark + WAITING;
    return Atomics.compareExchange(this.memory, word, before, mark + BEGUN) === before;
  }

  /** Says that the code which was called last has given way. */
  pause() {
    Atomics.store(this.memory, THREAD, 0);
  }
}

module.exports = { Words };
