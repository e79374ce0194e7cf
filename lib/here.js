'use strict';

const fs = process.getBuiltinModule('node:fs');
const { createRequire } = process.getBuiltinModule('node:module');
const path = process.getBuiltinModule('node:path');
const { fileURLToPath } = process.getBuiltinModule('node:url');

/**
 * Where this package is. A bundler may have made it a part of somebody's program: then it is where that
 * program is, and other packages are looked for from there.
 *
 * Node's own modules are got by process.getBuiltinModule in all of lib/: a bundler that makes ES modules
 * turns `require` into something that throws.
 */

/** @returns {string} the file that this code is in */
function ownFile() {
  // ES modules have no such name, and some bundlers put a made-up one in its place.
  if (typeof __filename === 'string' && fs.existsSync(__filename)) return __filename;
  const { prepareStackTrace } = Error;
  try {
    // What a source map says must not matter, as it would in the text of a stack.
    Error.prepareStackTrace = (_, sites) => sites[0].getFileName() ?? 'bundle';
    const file = String(/** @type {{ stack?: unknown }} */ (new Error()).stack);
    return file.startsWith('file:') ? fileURLToPath(file) : path.resolve(file);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
  }
}

const FILE = ownFile();
/** This file, in the repository and in the package as it is published. */
const OWN_NAMES = ['here.js', 'packed.js'];
/** The file of somebody's bundle that this package is in, or null. */
const BUNDLE = OWN_NAMES.includes(path.basename(FILE)) ? null : FILE;
/** The folder of this package, or that of the bundle. */
const HERE = BUNDLE === null ? path.join(FILE, '..', '..') : path.dirname(FILE);

/** Not `require` itself: a bundler would want to know now what is loaded. */
const requireFile = createRequire(FILE);

/**
 * The path of a file of another package, or null.
 *
 * @param {string} request
 */
function resolve(request) {
  try {
    return requireFile.resolve(request);
  } catch {
    return null;
  }
}

module.exports = { BUNDLE, FILE, HERE, requireFile, resolve };
