'use strict';

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { UsageError } = require('./usage.js');

/** Where the page is: a package of its own, which only those install who want it. */

const PACKAGE = '@duroxide/ui';

/** Gives the package, of the release of the command line. @returns {any} */
function findPage() {
  const checkout = path.join(__dirname, '..', 'ui', 'index.js');
  if (path.basename(__dirname) === 'cli' && fs.existsSync(checkout)) return require(checkout);
  const { version } = require('duroxide/package.json');
  const install = `npm install --save-dev ${PACKAGE}@${version}`;
  // Beside this package, or in the project, which some package managers keep apart.
  const found = [require, createRequire(path.resolve('package.json'))].find(hasPackage);
  if (found === undefined) throw new UsageError(`the page is a package of its own: ${install}`);
  const { version: other } = found(`${PACKAGE}/package.json`);
  if (other === version) return found(PACKAGE);
  throw new UsageError(`${PACKAGE} is of the release ${other}, duroxide of ${version}: ${install}`);
}

/** @param {NodeJS.Require} from */
function hasPackage(from) {
  try {
    from.resolve(`${PACKAGE}/package.json`);
    return true;
  } catch {
    return false;
  }
}

module.exports = { findPage };
