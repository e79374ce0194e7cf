'use strict';

const path = require('node:path');

/** The version of this package, which is that of the whole project: where it is built, of the folder above. */
function read() {
  for (const folder of [path.join(__dirname, '..'), path.join(__dirname, '..', '..')]) {
    try {
      return String(require(path.join(folder, 'package.json')).version);
    } catch {
      // It is the folder of a clone.
    }
  }
  return '';
}

module.exports = { version: read() };
