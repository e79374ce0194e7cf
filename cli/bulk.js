'use strict';

const { visible } = require('./visible.js');
const { EXIT } = require('./usage.js');

/** Doing something to many instances. */

const AT_ONCE = 8;
const PROGRESS_MS = 250;

/**
 * @typedef {object} Done
 * @property {number} done
 * @property {{ instanceId: string, code?: string, message: string }[]} failed
 */

/**
 * Does something to each of many instances, some at once, and shows how far it is. What one refuses does not
 * keep the others from it.
 *
 * @param {string[]} ids
 * @param {(id: string) => Promise<unknown>} act
 * @returns {Promise<Done>}
 */
async function each(ids, act) {
  /** @type {Done['failed']} */
  const failed = [];
  const progress = new Progress(ids.length);
  const left = ids[Symbol.iterator]();
  const work = async () => {
    for (const instanceId of { [Symbol.iterator]: () => ({ next: () => left.next() }) }) {
      try {
        await act(instanceId);
      } catch (error) {
        const { code, message } = /** @type {any} */ (error);
        failed.push({ instanceId, code, message });
      }
      progress.step();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  progress.end();
  return { done: ids.length - failed.length, failed };
}

/** How far something is, for who looks at the terminal. */
class Progress {
  #total;
  #done = 0;
  #shown = Date.now();
  #isShown = process.stderr.isTTY === true;

  /** @param {number} total */
  constructor(total) {
    this.#total = total;
  }

  step(count = 1) {
    this.#done += count;
    if (!this.#isShown || Date.now() - this.#shown < PROGRESS_MS) return;
    this.#shown = Date.now();
    process.stderr.write(`\r${this.#done} of ${this.#total}`);
  }

  end() {
    if (this.#isShown) process.stderr.write('\r\u001B[K');
  }
}

/**
 * Tells what was done to many, and gives the exit code.
 *
 * @param {import('./output.js').Out} out
 * @param {string} verb in the past tense
 * @param {Done & Record<string, unknown>} result
 */
function tellDone(out, verb, result) {
  out.result(result, ({ done, failed }) => {
    out.line(`${verb} ${done}${failed.length > 0 ? `, ${failed.length} refused` : ''}`);
    for (const { instanceId, message } of failed) {
      out.line(`  ${visible(instanceId)}: ${visible(message)}`);
    }
  });
  if (result.failed.length === 0) return EXIT.done;
  const isMissing = result.failed.every(({ code }) => code === 'INSTANCE_NOT_FOUND');
  return isMissing ? EXIT.notFound : EXIT.failed;
}

module.exports = { Progress, each, tellDone };
