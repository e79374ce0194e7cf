'use strict';

const { createRequire } = process.getBuiltinModule('node:module');
const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { HERE, requireFile } = require('./here.js');
const { packageName } = require('./platforms.js');
const { name, version } = require('../package.json');

/** Where the command line is: a package of its own, which only those install who want it. */

const PACKAGE = packageName('cli');

/** Gives its main function, or what to do where it is not there. */
function findCommandLine() {
  const checkout = path.join(HERE, 'cli', 'main.js');
  if (fs.existsSync(checkout)) return { main: requireFile(checkout).main };
  // Beside this package, or in the project, which some package managers keep apart.
  const found = [requireFile, createRequire(path.resolve('package.json'))].find(hasPackage);
  const install = `npm install --save-dev ${PACKAGE}@${version}`;
  if (found === undefined) {
    return { problem: `the command line of ${name} is a package of its own: ${install}` };
  }
  const { version: other } = found(`${PACKAGE}/package.json`);
  if (other === version) return { main: found(PACKAGE).main };
  return {
    problem: `${PACKAGE} is of the release ${other}, and ${name} of ${version}: ${install}`,
  };
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

module.exports = { findCommandLine };
