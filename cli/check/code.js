'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { codeOf, onlyCheck } = require('duroxide/checking');
const { UsageError } = require('../usage.js');

/** The user's code that a command works with. */

/** @typedef {(url: string) => Promise<any>} Load loads a module of either kind */

/**
 * Loads a file of code, and lets no runtime start meanwhile or afterwards.
 *
 * @param {string} file
 * @param {Load} load
 * @returns {Promise<unknown[]>} what `Runtime.register` takes
 */
async function loadCode(file, load) {
  const full = path.resolve(file);
  if (!fs.existsSync(full)) throw new UsageError(`there is no file ${full}`);
  onlyCheck();
  const loaded = await load(pathToFileURL(full).href);
  const code = codeOf(loaded['module.exports'] ?? commonJs(full) ?? loaded);
  if (code.length > 0) return code;
  throw new UsageError(
    `${full} exports no code: export what implement(...) gives, or a function that registers all code ` +
      'in the runtime that it is given, as the default or as register',
  );
}

/**
 * Gives what a CommonJS module exports; its namespace is a copy of that.
 *
 * @param {string} full
 */
function commonJs(full) {
  return require.cache[fs.realpathSync(full)]?.exports;
}

module.exports = { loadCode };
