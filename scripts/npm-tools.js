'use strict';

/**
 * Programs from npm that some checks need and the project itself does not depend on: each at one
 * version, in a folder below .tools that git does not know, without running its scripts.
 */

const fs = require('node:fs');
const path = require('node:path');
const { npm } = require('./packages.js');
const { TOOLS } = require('./zig.js');

/** Every program that is installed so, and its version. */
const VERSIONS = Object.freeze({
  pnpm: '10.34.8',
  '@yarnpkg/cli-dist': '4.18.1',
});

/** Releases of Node.js that the suite runs on: the oldest supported one, those with long support, the newest. */
const RUNTIMES = Object.freeze({ 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' });

/** Other runtimes, which run a smoke test. */
const OTHERS = Object.freeze({ bun: '1.4.5', deno: '2.9.6' });

/**
 * Installs packages into a folder of their own, unless they are there, and gives that folder.
 *
 * @param {string} name of the folder
 * @param {string[]} packages with versions
 * @param {string} [cpu] of another system than this one
 */
function installTools(name, packages, cpu) {
  const folder = path.join(TOOLS, name);
  if (fs.existsSync(path.join(folder, 'done'))) return folder;
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const foreign = cpu === undefined ? [] : ['--force', `--cpu=${cpu}`];
  npm(['install', '--ignore-scripts', '--save-exact', ...quiet, ...foreign, ...packages], folder);
  fs.writeFileSync(path.join(folder, 'done'), '');
  return folder;
}

/**
 * Installs a program and gives the folder of its package.
 *
 * @param {keyof typeof VERSIONS} name
 */
function npmTool(name) {
  const version = VERSIONS[name];
  const own = `${name.replaceAll('/', '-').replace('@', '')}-${version}`;
  return path.join(installTools(own, [`${name}@${version}`]), 'node_modules', name);
}

module.exports = { OTHERS, RUNTIMES, installTools, npmTool };
