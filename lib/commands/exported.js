'use strict';

const fs = process.getBuiltinModule('node:fs');
const readline = process.getBuiltinModule('node:readline');
const { takeApart } = require('../export.js');

/**
 * Gives the instances of a file of exported histories, one after another.
 *
 * @param {string} file
 */
async function* exportedInstances(file) {
  const lines = readline.createInterface({ input: fs.createReadStream(file), crlfDelay: Infinity });
  /** @type {string[]} */
  let current = [];
  for await (const line of lines) {
    if (line.startsWith('{"format":') && current.length > 0) {
      yield takeApart(current.join('\n'));
      current = [];
    }
    if (line !== '') current.push(line);
  }
  if (current.length > 0) yield takeApart(current.join('\n'));
}

module.exports = { exportedInstances };
