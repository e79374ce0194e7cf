'use strict';

const fs = require('node:fs');
const readline = require('node:readline');

/**
 * Gives the histories in a file of exported ones, one after another.
 *
 * @param {string} file
 */
async function* exportedHistories(file) {
  const lines = readline.createInterface({ input: fs.createReadStream(file), crlfDelay: Infinity });
  /** @type {string[]} */
  let current = [];
  for await (const line of lines) {
    if (line.startsWith('{"format":') && current.length > 0) {
      yield current.join('\n');
      current = [];
    }
    if (line !== '') current.push(line);
  }
  if (current.length > 0) yield current.join('\n');
}

module.exports = { exportedHistories };
