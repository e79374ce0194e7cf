'use strict';

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { EngineProcess } = require('./engine-process.js');
const { findProgram } = require('./engine-program.js');
const { DuroxideError } = require('./errors.js');
const { HERE, requireFile, resolve } = require('./here.js');
const { ADDON_FILE, engineFile, packageName, platformName } = require('./platforms.js');
const unfit = require('./unfit.js');
const { version: packageVersion } = require('../package.json');

/** Finds, loads and version-checks the addon and the engine. The only file that loads them. */

/** Marks, per environment, which copy of the engine was loaded first. */
const LOADED = Symbol.for('duroxide.engine.path');

/** @typedef {import('./native').Addon} Addon */

/** @type {Addon | undefined} */
let loaded;

/**
 * Opens a host, and loads addon and engine before that if nobody has.
 *
 * @param {() => void} onWake called when the first record waits
 * @param {Int32Array} words memory that the engine shares
 */
function open(onWake, words) {
  const way = process.env.DUROXIDE_ENGINE || 'library';
  if (way !== 'library' && way !== 'process') {
    throw new DuroxideError(`DUROXIDE_ENGINE must be library or process, not ${way}`, {
      code: 'INVALID_INPUT',
    });
  }
  if (way === 'process') return openProcess(onWake);
  try {
    loaded ??= load();
  } catch (error) {
    // There the engine can only be a process: no library of Go can be loaded.
    if (unfit.isMusl() && !process.env.DUROXIDE_NATIVE_PATH) return openProcess(onWake);
    throw error;
  }
  return new loaded.Host(onWake, words);
}

/** @param {() => void} onWake */
function openProcess(onWake) {
  const program = findProgram();
  return new EngineProcess(onWake, {
    program,
    version: packageVersion,
    mismatch: () => unfit.mismatch({ engine: 'another' }, path.dirname(program)),
    broken: (cause) => unfit.notStarted(program, cause),
  });
}

/** Gives every asynchronous signal handler of the process what Go needs. */
function repairSignals() {
  loaded?.repairSignals();
}

/**
 * Tells V8 that objects hold so much more memory, or less, which it does not see.
 *
 * @param {number} bytes
 */
function adjustMemory(bytes) {
  loaded?.adjustMemory(bytes);
}

function load() {
  const directory = findDirectory();
  const enginePath = path.join(directory, engineFile(process.platform));
  const addonPath = path.join(directory, ADDON_FILE);
  const addon = attempt(addonPath, () => requireFile(addonPath));
  const engineVersion = attempt(enginePath, () => addon.load(enginePath));
  if (addon.version !== packageVersion || engineVersion !== packageVersion) {
    throw unfit.mismatch({ addon: addon.version, engine: engineVersion }, directory);
  }
  warnOfSecondCopy(enginePath);
  return addon;
}

/** The directory with both binaries: what the developer said, the platform package, a local build. */
function findDirectory() {
  const chosen = process.env.DUROXIDE_NATIVE_PATH;
  if (chosen) {
    const directory = chosen.endsWith('.node') ? path.dirname(chosen) : chosen;
    return path.resolve(directory);
  }
  const { wanted, directories, found } = search();
  if (found === undefined) throw unfit.notFound(looks(wanted, directories), resolve);
  return found;
}

/** Where binaries may be, and the first place where they are. */
function search() {
  const wanted = packageName(platformName(process.platform, process.arch));
  const description = resolve(`${wanted}/package.json`);
  const build = path.join(HERE, 'build', 'Release');
  const directories = [...(description === null ? [] : [path.dirname(description)]), build];
  return { wanted, directories, found: directories.find(hasBinaries) };
}

/** @param {string} directory */
function hasBinaries(directory) {
  return missingFiles(directory).length === 0;
}

/** @param {string} directory */
function missingFiles(directory) {
  return [ADDON_FILE, engineFile(process.platform)].filter(
    (file) => !fs.existsSync(path.join(directory, file)),
  );
}

/**
 * @param {string} wanted
 * @param {string[]} directories
 */
function looks(wanted, directories) {
  const among = directories.map((where) => ({
    where,
    found: fs.existsSync(where) ? `there is no ${missingFiles(where).join(', no ')}` : 'not there',
  }));
  if (directories.length > 1) return among;
  return [{ where: `${wanted}@${packageVersion}`, found: `not found from ${HERE}` }, ...among];
}

/**
 * Loads a file. The error says what to do.
 *
 * @template T
 * @param {string} file
 * @param {() => T} load
 * @returns {T}
 */
function attempt(file, load) {
  try {
    return load();
  } catch (error) {
    throw unfit.notLoaded(file, error);
  }
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

module.exports = { adjustMemory, open, repairSignals };
