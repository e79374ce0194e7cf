'use strict';

const { createRequire } = process.getBuiltinModule('node:module');
const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { HERE, requireFile } = require('./here.js');
const { packageName } = require('./platforms.js');
const { name, version } = require('../package.json');

/** Where the packages are that people use, and that only those install who want them. */

/** What begins each of them, in its folder of the repository. */
const ENTRIES = Object.freeze({
  cli: { what: 'the command line', main: 'main.js' },
  ui: { what: 'the page', main: 'index.js' },
});

/**
 * Gives what a package exports, or what to do where it is not there.
 *
 * @param {keyof typeof ENTRIES} part
 * @returns {{ exported?: any, problem?: string }}
 */
function findPart(part) {
  const { what, main } = ENTRIES[part];
  const checkout = path.join(HERE, part, main);
  if (fs.existsSync(checkout)) return { exported: requireFile(checkout) };
  const wanted = packageName(part);
  // Beside this package, or in the project, which some package managers keep apart.
  const places = [requireFile, createRequire(path.resolve('package.json'))];
  const found = places.find((from) => hasPackage(from, wanted));
  const install = `npm install --save-dev ${wanted}@${version}`;
  if (found === undefined) {
    return { problem: `${what} of ${name} is a package of its own: ${install}` };
  }
  const { version: other } = found(`${wanted}/package.json`);
  if (other === version) return { exported: found(wanted) };
  return { problem: `${wanted} is of the release ${other}, and ${name} of ${version}: ${install}` };
}

/** @param {NodeJS.Require} from @param {string} wanted */
function hasPackage(from, wanted) {
  try {
    from.resolve(`${wanted}/package.json`);
    return true;
  } catch {
    return false;
  }
}

module.exports = { findPart };
