'use strict';

const fs = require('node:fs');
const { UsageError } = require('../usage.js');

/** The longest line that is taken, in bytes. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

const NEWLINE = 10;

/**
 * Gives the lines of a file, of which only one is in memory.
 *
 * @param {string} file
 */
async function* linesOf(file) {
  /** @type {Buffer[]} */
  let parts = [];
  let size = 0;
  const line = () => {
    const text = Buffer.concat(parts).toString().trimEnd();
    [parts, size] = [[], 0];
    return text;
  };
  for await (const chunk of fs.createReadStream(file)) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      parts.push(chunk.subarray(from, at));
      yield line();
      from = at + 1;
    }
    parts.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > MAX_LINE_BYTES) throw new UsageError(`${file} has a line of more than 64 MiB`);
  }
  yield line();
}

/**
 * Gives the histories in a file of exported ones, one after another.
 *
 * @param {string} file
 */
async function* exportedHistories(file) {
  /** @type {string[]} */
  let current = [];
  for await (const line of linesOf(file)) {
    if (line.startsWith('{"format":') && current.length > 0) {
      yield current.join('\n');
      current = [];
    }
    if (line !== '') current.push(line);
  }
  if (current.length > 0) yield current.join('\n');
}

module.exports = { exportedHistories };
