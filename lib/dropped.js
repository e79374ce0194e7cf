'use strict';

const channel = require('./channel.js');
const native = require('./native.js');

/**
 * Providers that nobody can reach any more, and no runtime works on: their stores are closed. Code that
 * never calls `close()` then holds no files, connections and memory for longer than its providers.
 */

/**
 * About what an open store holds that V8 cannot see, so that it collects garbage before there are
 * hundreds of them: caches and statements of SQLite's connections; connections, at both ends, of which
 * there are some forty then.
 */
const BYTES = Object.freeze({ sqlite: 1 << 20, postgres: 8 << 20, test: 1 << 16 });

/** @typedef {{ store: number, bytes: number }} Held */
/** @typedef {keyof typeof BYTES} StoreType */

/** @type {FinalizationRegistry<Held>} */
const reachable = new FinalizationRegistry(({ store, bytes }) => {
  native.adjustMemory(-bytes);
  channel.request('store.close', { store }).catch((error) => {
    process.emitWarning(`a store that was dropped could not be closed: ${error.message}`, {
      code: 'DUROXIDE_DROPPED_STORE',
    });
  });
});

/**
 * @param {object} provider
 * @param {StoreType} type
 * @param {number} store
 */
function watch(provider, type, store) {
  const bytes = BYTES[type];
  native.adjustMemory(bytes);
  reachable.register(provider, { store, bytes }, provider);
}

/**
 * The store of a provider is being closed by its owner.
 *
 * @param {object} provider
 * @param {StoreType} type
 */
function unwatch(provider, type) {
  if (reachable.unregister(provider)) native.adjustMemory(-BYTES[type]);
}

module.exports = { unwatch, watch };
