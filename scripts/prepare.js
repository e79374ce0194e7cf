'use strict';

/**
 * Everything that has to be there before anything else can run: tools, node_modules, the build.
 * It uses nothing but Node itself, because it is what runs first in a fresh clone.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { checkTools } = require('./tools.js');

const ROOT = path.join(__dirname, '..');

/** @param {string} file */
function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(path.join(ROOT, file), 'utf8')).packages ?? {};
  } catch {
    return null;
  }
}

/** Says whether node_modules holds what package-lock.json asks for. */
function isInstalled() {
  const wanted = readPackages('package-lock.json');
  const found = readPackages('node_modules/.package-lock.json');
  if (!wanted || !found) return false;
  return Object.entries(wanted).every(
    ([name, entry]) =>
      name === '' ||
      entry.optional ||
      (found[name]?.version === entry.version && fs.existsSync(path.join(ROOT, name))),
  );
}

/**
 * Runs a command in the root of the project and shows what it prints.
 *
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw new Error(`${path.basename(command)} ${args.join(' ')} failed`);
  }
}

/** Runs npm, the same one that runs this script if one does. @param {string[]} args */
function npm(args) {
  const own = process.env.npm_execpath;
  if (own?.endsWith('.js')) return run(process.execPath, [own, ...args]);
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args);
}

/** Installs the development dependencies exactly as locked, unless they are there already. */
function install() {
  if (!isInstalled()) npm(['ci', '--include=dev']);
}

/** Compiles the engine and the addon, and makes the page; quick when nothing has changed. */
function build() {
  run(process.execPath, [path.join(__dirname, 'build.js')]);
  run(process.execPath, [path.join(__dirname, 'ui.js')]);
}

/**
 * Makes the checkout ready to run: tools, node_modules and the build. A failure ends the process
 * with one line that says what to do, not with a stack.
 *
 * @param {{ needsBuild?: boolean }} [options]
 */
function prepare({ needsBuild = true } = {}) {
  try {
    checkTools();
    install();
    if (needsBuild) build();
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
}

module.exports = { ROOT, prepare };
