'use strict';

/**
 * `node scripts/squeeze.js FILE`: compresses a package that npm has packed once more, with a search for the
 * smallest deflate stream. What is in it stays the same byte for byte, and a registry takes the file as it is.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const zlib = require('node:zlib');

/** A packed file that is larger, in bytes, is left alone: a binary would take minutes. */
const LARGEST = 200_000;

/** More rounds than these gain some ten bytes. */
const ROUNDS = { numiterations: 5 };

/**
 * Makes a packed package as small as it can be.
 *
 * @param {string} file
 * @returns {number} its size, in bytes
 */
function squeeze(file) {
  if (fs.statSync(file).size <= LARGEST) execFileSync(process.execPath, [__filename, file]);
  return fs.statSync(file).size;
}

if (require.main === module) {
  const { gzipAsync } = require('@gfx/zopfli'); // It takes over what is uncaught: only here.
  const [file] = process.argv.slice(2);
  gzipAsync(zlib.gunzipSync(fs.readFileSync(file)), ROUNDS).then((squeezed) =>
    fs.writeFileSync(file, squeezed),
  );
}

module.exports = { squeeze };
