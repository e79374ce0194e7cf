'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { DuroxideError } = require('./errors.js');
const { version: packageVersion } = require('../package.json');

/** Finds, loads and version-checks the addon and the engine. The only file that names them. */

const ENGINE_FILES = {
  darwin: 'libduroxide.dylib',
  win32: 'duroxide.dll',
};
const ADDON_FILE = 'duroxide.node';

/** Marks, per environment, which copy of the engine was loaded first. */
const LOADED = Symbol.for('duroxide.engine.path');

/** @typedef {import('./native').Addon} Addon */

/** @type {Addon | undefined} */
let loaded;

/**
 * Opens a host, and loads addon and engine before that if nobody has.
 *
 * @param {() => void} onWake called when the first record waits
 */
function open(onWake) {
  loaded ??= load();
  return new loaded.Host(onWake);
}

/** Gives every asynchronous signal handler of the process what Go needs. */
function repairSignals() {
  loaded?.repairSignals();
}

function load() {
  const directory = findDirectory();
  const enginePath = path.join(directory, engineFile());
  const addon = requireAddon(path.join(directory, ADDON_FILE));
  const engineVersion = loadEngine(addon, enginePath);
  checkVersions(addon.version, engineVersion, directory);
  warnOfSecondCopy(enginePath);
  return addon;
}

function engineFile() {
  return ENGINE_FILES[process.platform] ?? 'libduroxide.so';
}

/** The directory with both binaries: what the developer said, the platform package, a local build. */
function findDirectory() {
  const chosen = process.env.DUROXIDE_NATIVE_PATH;
  if (chosen) {
    const directory = chosen.endsWith('.node') ? path.dirname(chosen) : chosen;
    return path.resolve(directory);
  }
  const found = [packageDirectory(), path.join(__dirname, '..', 'build', 'Release')].find(
    (directory) => directory !== null && hasBinaries(directory),
  );
  if (found === undefined) throw notFound();
  return found;
}

/** @param {string} directory */
function hasBinaries(directory) {
  return [ADDON_FILE, engineFile()].every((file) => fs.existsSync(path.join(directory, file)));
}

function platformPackage() {
  const libc = process.platform === 'linux' ? '-gnu' : '';
  return `@duroxide/${process.platform}-${process.arch}${libc}`;
}

function packageDirectory() {
  try {
    return path.dirname(require.resolve(`${platformPackage()}/package.json`));
  } catch {
    return null;
  }
}

/** Linux without glibc is musl, as in Alpine: Go cannot make a library that it loads. */
function isMusl() {
  if (process.platform !== 'linux') return false;
  try {
    const report = process.report?.getReport();
    const { header } = typeof report === 'string' ? JSON.parse(report) : report;
    return header !== undefined && header.glibcVersionRuntime === undefined;
  } catch {
    return false;
  }
}

function muslError() {
  return new DuroxideError(
    'duroxide cannot run on Linux with musl (Alpine and others): Go cannot build a library that ' +
      'musl loads. Use an image with glibc, for example node:22-slim',
    { code: 'UNSUPPORTED_PLATFORM' },
  );
}

function notFound() {
  if (isMusl()) return muslError();
  return new DuroxideError(
    `the duroxide engine for ${process.platform} ${process.arch} is not installed: expected the ` +
      `package ${platformPackage()}@${packageVersion}, or a local build in build/Release. It is ` +
      'missing if optional dependencies were switched off, if the lock file was made on another ' +
      'platform (npm/cli#4828), or if node_modules was copied from another system. Run ' +
      '"npm install --include=optional", or "npm run build" in a checkout',
    { code: 'NATIVE_NOT_FOUND' },
  );
}

/** @param {string} file */
function requireAddon(file) {
  try {
    return require(file);
  } catch (error) {
    throw loadError(file, error);
  }
}

/**
 * @param {Addon} addon
 * @param {string} file
 */
function loadEngine(addon, file) {
  try {
    return addon.load(file);
  } catch (error) {
    throw loadError(file, error);
  }
}

/**
 * @param {string} file
 * @param {any} cause
 */
function loadError(file, cause) {
  if (isMusl()) return muslError();
  return new DuroxideError(`cannot load ${file}: ${cause.message}`, {
    code: 'NATIVE_LOAD_FAILED',
    cause,
  });
}

/**
 * @param {string} addonVersion
 * @param {string} engineVersion
 * @param {string} directory
 */
function checkVersions(addonVersion, engineVersion, directory) {
  if (addonVersion === packageVersion && engineVersion === packageVersion) return;
  throw new DuroxideError(
    `duroxide ${packageVersion} found an engine of version ${engineVersion} and an addon of ` +
      `version ${addonVersion} in ${directory}. Install the package again, or run "npm run build"`,
    { code: 'VERSION_MISMATCH' },
  );
}

/** @param {string} file */
function warnOfSecondCopy(file) {
  /** @type {any} */
  const shared = process;
  if (shared[LOADED] === undefined) {
    Object.defineProperty(shared, LOADED, { value: file });
  } else if (shared[LOADED] !== file) {
    process.emitWarning(
      `two copies of the duroxide engine are loaded: ${shared[LOADED]} and ${file}`,
      { code: 'DUROXIDE_TWO_COPIES' },
    );
  }
}

module.exports = { open, repairSignals };
