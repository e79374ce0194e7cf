'use strict';

/** The tools that a build needs, and what to install where one is missing. */

const { spawnSync } = require('node:child_process');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');
const MIN_NODE = [20, 17];
// Older releases of Go cannot fetch the toolchain that go.mod names.
const MIN_GO = [1, 21];

/**
 * A tool that the build needs and this machine lacks. The message is one line that says what to
 * install.
 */
class MissingTool extends Error {}

/** @param {string} command @param {string[]} args */
function outputOf(command, args) {
  const result = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  return result.error || result.status !== 0 ? null : result.stdout;
}

/** @param {string} text @param {number[]} wanted major and minor */
function isAtLeast(text, wanted) {
  const [major = 0, minor = 0] = (text.match(/\d+/g) ?? []).map(Number);
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
}

function checkNode() {
  // lib/ needs that function, which releases between the two lines do not have.
  const lacks = typeof process.getBuiltinModule !== 'function';
  if (!isAtLeast(process.versions.node, MIN_NODE) || lacks) {
    throw new MissingTool(
      `Node.js ${MIN_NODE.join('.')}, 22.3 or newer is needed to build duroxide, this is ${process.version}: install a newer Node.js and run this again.`,
    );
  }
}

function checkGo() {
  const version = outputOf('go', ['env', 'GOVERSION']);
  if (version === null) {
    throw new MissingTool(
      'Go is missing: install Go 1.26 or newer (https://go.dev/doc/install), so that `go version` works, and run this again.',
    );
  }
  if (!isAtLeast(version, MIN_GO)) {
    throw new MissingTool(
      `${version.trim()} is too old to build duroxide: install Go 1.26 or newer (https://go.dev/doc/install) and run this again.`,
    );
  }
}

function checkCompiler() {
  if (process.platform === 'win32') return; // node-gyp looks for Visual Studio, and explains itself
  const candidates = [process.env.CXX?.split(' ')[0], 'c++', 'g++', 'clang++'];
  if (!candidates.some((name) => name && outputOf(name, ['--version']) !== null)) {
    throw new MissingTool(
      process.platform === 'darwin'
        ? 'A C++ compiler is missing: install it with `xcode-select --install` and run this again.'
        : 'A C++ compiler is missing: install g++ and make (Debian and Ubuntu: `apt-get install build-essential`) and run this again.',
    );
  }
  if (outputOf('make', ['--version']) === null) {
    throw new MissingTool(
      'make is missing: install it (Debian and Ubuntu: `apt-get install build-essential`) and run this again.',
    );
  }
}

function checkPython() {
  const candidates = [process.env.PYTHON, 'python3', 'python'];
  if (!candidates.some((name) => name && outputOf(name, ['--version']) !== null)) {
    throw new MissingTool(
      'Python 3 is missing, which node-gyp needs to compile the addon: install python3 and run this again.',
    );
  }
}

/** Checks the tools that a build needs. Throws a MissingTool for the first that is not there. */
function checkTools() {
  checkNode();
  checkGo();
  checkCompiler();
  checkPython();
}

module.exports = { checkTools };
