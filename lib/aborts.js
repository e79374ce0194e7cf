'use strict';

/** Promises that are given up when a signal is aborted. */

/**
 * What to do for each signal. It has one listener of ours, however many wait: Node warns of signals that
 * have more than ten.
 *
 * @type {WeakMap<AbortSignal, Set<() => void>>}
 */
const waiting = new WeakMap();

/** @param {AbortSignal} signal */
function waitingFor(signal) {
  const known = waiting.get(signal);
  if (known !== undefined) return known;
  /** @type {Set<() => void>} */
  const all = new Set();
  waiting.set(signal, all);
  signal.addEventListener('abort', () => all.forEach((giveUp) => void giveUp()), { once: true });
  return all;
}

/**
 * Settles as a promise does, or rejects with the reason of a signal that is aborted before.
 *
 * @template T
 * @param {AbortSignal} signal one that is not aborted
 * @param {Promise<T>} promise
 * @param {() => void} onAbort
 * @returns {Promise<T>}
 */
function unlessAborted(signal, promise, onAbort) {
  const all = waitingFor(signal);
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      reject(signal.reason);
      onAbort();
    };
    all.add(giveUp);
    promise.then(resolve, reject).finally(() => all.delete(giveUp));
  });
}

module.exports = { unlessAborted };
