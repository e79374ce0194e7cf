'use strict';

/**
 * Programs from npm that some checks need and the project itself does not depend on: each at one
 * version, in a folder below .tools that git does not know, without running its scripts.
 */

const { createHash } = require('node:crypto');
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

/** The registry cannot be reached, or is out of order. */
class Unreachable extends Error {}

/** What npm says then. */
const NO_REGISTRY =
  /\b(EAI_AGAIN|ENOTFOUND|ECONN[A-Z]+|E[A-Z]*TIMEDOUT|ENETUNREACH|EHOSTUNREACH|E5\d\d)\b/;

const QUIET = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];

/**
 * Fills a folder below .tools, unless that was done, and gives its path.
 *
 * @param {string} name of the folder
 * @param {Record<string, string>} files that it begins with, and their texts
 * @param {string[]} args of npm
 */
function fill(name, files, args) {
  const folder = path.join(TOOLS, name);
  if (fs.existsSync(path.join(folder, 'done'))) return folder;
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(files)) fs.writeFileSync(path.join(folder, file), text);
  try {
    npm([...args, '--ignore-scripts', ...QUIET], folder);
  } catch (error) {
    const [, code] = NO_REGISTRY.exec(String(error)) ?? [];
    if (code === undefined) throw error;
    throw new Unreachable(`the registry of npm cannot be reached for it (${code})`);
  }
  fs.writeFileSync(path.join(folder, 'done'), '');
  return folder;
}

/**
 * Installs packages into a folder of their own, unless they are there, and gives that folder.
 *
 * @param {string} name of the folder
 * @param {string[]} packages with versions
 * @param {string} [cpu] of another system than this one
 */
function installTools(name, packages, cpu) {
  const foreign = cpu === undefined ? [] : ['--force', `--cpu=${cpu}`];
  const args = ['install', '--save-exact', ...foreign, ...packages];
  return fill(name, { 'package.json': '{ "private": true }\n' }, args);
}

/**
 * Installs what a lock file says into a folder of its own, unless it is there, and gives that folder.
 *
 * @param {string} from the folder with package.json and package-lock.json
 */
function installLocked(from) {
  const files = Object.fromEntries(
    ['package.json', 'package-lock.json'].map((file) => [
      file,
      fs.readFileSync(path.join(from, file), 'utf8'),
    ]),
  );
  const sum = createHash('sha256').update(Object.values(files).join('')).digest('hex');
  return fill(`${path.basename(from)}-${sum.slice(0, 8)}`, files, ['ci']);
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

module.exports = { OTHERS, RUNTIMES, Unreachable, installLocked, installTools, npmTool };
