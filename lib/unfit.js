'use strict';

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const { DuroxideError } = require('./errors.js');
const { BUNDLE, HERE } = require('./here.js');
const { GLIBC_FLOOR, PLATFORMS, packageName, platformName } = require('./platforms.js');
const { name: ownName, version: ownVersion } = require('../package.json');

/**
 * What to say where the engine does not fit: what this system is, what was looked for where, and the
 * one step that helps in that very situation.
 */

/** @typedef {{ where: string, found: string }} Look */
/** @typedef {{ code: string, problem: string, nextStep: string, looked?: Look[], cause?: unknown }} Finding */

/**
 * What the C library is: glibc with its version, musl, or nothing on other systems than Linux.
 *
 * @returns {{ libc: string, libcVersion: string }}
 */
function systemLibc() {
  if (process.platform !== 'linux') return { libc: '', libcVersion: '' };
  const { report } = /** @type {any} */ (process);
  try {
    // Asking for the network takes seconds where names are resolved slowly.
    if (report && 'excludeNetwork' in report) report.excludeNetwork = true;
    const text = report.getReport();
    const { header } = typeof text === 'string' ? JSON.parse(text) : text;
    const { glibcVersionRuntime: libcVersion } = header;
    return libcVersion ? { libc: 'glibc', libcVersion } : { libc: 'musl', libcVersion: '' };
  } catch {
    return { libc: '', libcVersion: '' };
  }
}

/** @param {Finding} finding */
function unfit({ code, problem, nextStep, looked = [], cause }) {
  const { libc, libcVersion } = systemLibc();
  const { platform, arch, version: node } = process;
  const system = [platform, arch, [libc, libcVersion].filter(Boolean).join(' ')].filter(Boolean);
  const lines = [
    `${problem}.`,
    `  This system: ${system.join(', ')}; Node.js ${node}; ${ownName} ${ownVersion} in ${BUNDLE ?? HERE}`,
    ...looked.map(({ where, found }) => `  Looked for: ${where}: ${found}`),
    `  Next step: ${nextStep}`,
  ];
  return new DuroxideError(lines.join('\n'), {
    code,
    cause,
    details: { platform, arch, libc, libcVersion, node, looked, nextStep },
  });
}

/** The name of this system, as the endings of the packages name it. */
function thisPlatform() {
  return platformName(process.platform, process.arch, systemLibc().libc);
}

/**
 * The error where no engine was found.
 *
 * @param {Look[]} looked
 * @param {(request: string) => string | null} resolve finds a file of a package, or nothing
 */
function notFound(looked, resolve) {
  const wanted = packageName(thisPlatform());
  if (mayNotRead()) return unreadable(looked);
  if (!(thisPlatform() in PLATFORMS)) return unsupported(looked);
  return unfit({ code: 'NATIVE_NOT_FOUND', looked, ...whyMissing(wanted, resolve) });
}

/**
 * @param {string} wanted
 * @param {(request: string) => string | null} resolve
 */
function whyMissing(wanted, resolve) {
  const others = Object.keys(PLATFORMS)
    .map(packageName)
    .filter((name) => name !== wanted && resolve(`${name}/package.json`) !== null);
  const lock = lockWithout(wanted);
  if (fs.existsSync(path.join(HERE, 'binding.gyp'))) {
    return {
      problem: 'this clone of the repository is not built',
      nextStep: `run "npm run build" in ${HERE}`,
    };
  }
  if (BUNDLE !== null) {
    return {
      problem: `${wanted}, the engine for this system, is not found from the bundle ${BUNDLE}`,
      nextStep:
        `leave ${ownName} out of the bundle, as an external package, or install ` +
        `${wanted}@${ownVersion} into node_modules above the bundle`,
    };
  }
  if (others.length > 0) {
    return {
      problem: `the engine of ${others.join(', ')} is installed, but this system needs ${wanted}`,
      nextStep: `the packages were installed on another system or copied from one: ${again(lock)}`,
    };
  }
  if (lock !== null) {
    return {
      problem: `${wanted}, the engine for this system, is not installed, and ${lock} does not name it`,
      nextStep: `the lock file was made on another system: ${again(lock)}`,
    };
  }
  return {
    problem: `${wanted}, the engine for this system, is not installed`,
    nextStep:
      'optional dependencies were left out (--omit=optional, --no-optional): ' +
      `run "${installer()} --include=optional"`.replace(/(pnpm|yarn) install .*"/, '$1 install"'),
  };
}

/** @param {string | null} lock the lock file that must go as well */
function again(lock) {
  const files = ['node_modules', ...(lock === null ? [] : [path.basename(lock)])];
  return `delete ${files.join(' and ')}, and run "${installer()}" on this one`;
}

/** The command of whichever program installed this package. */
function installer() {
  if ('pnp' in process.versions) return 'yarn install';
  return HERE.includes(`${path.sep}.pnpm${path.sep}`) ? 'pnpm install' : 'npm install';
}

/**
 * The lock file of npm above this package, if it names other engines and not this one.
 *
 * @param {string} wanted
 */
function lockWithout(wanted) {
  for (let folder = HERE; path.dirname(folder) !== folder; folder = path.dirname(folder)) {
    const lock = path.join(folder, 'package-lock.json');
    const text = readText(lock);
    if (text === null) continue;
    const names = (/** @type {string} */ name) => text.includes(`node_modules/${name}"`);
    const namesOthers = Object.keys(PLATFORMS).some((name) => names(packageName(name)));
    return namesOthers && !names(wanted) ? lock : null;
  }
  return null;
}

/** @param {string} file */
function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** @param {Look[]} looked */
function unsupported(looked) {
  return unfit({
    code: 'UNSUPPORTED_PLATFORM',
    problem: `there is no package with the engine for ${thisPlatform()}; there is one for ${Object.keys(PLATFORMS).join(', ')}`,
    nextStep:
      'build the engine from source: in a clone of the repository, run "npm run build", then start ' +
      'your program with DUROXIDE_NATIVE_PATH=<the clone>/build/Release',
    looked,
  });
}

/** Whether the permission model hides our own folder: nothing that is there can be found then. */
function mayNotRead() {
  const { permission } = /** @type {any} */ (process);
  return permission !== undefined && !permission.has('fs.read', path.dirname(HERE));
}

/** @param {Look[]} looked */
function unreadable(looked) {
  return unfit({
    code: 'NATIVE_LOAD_FAILED',
    problem: 'the permission model of Node.js does not let the engine be read',
    nextStep: `start node with --allow-fs-read=${path.dirname(HERE)}${path.sep}* --allow-addons`,
    looked,
  });
}

/**
 * The error where a file that is there could not be loaded.
 *
 * @param {string} file
 * @param {any} cause
 */
function notLoaded(file, cause) {
  const looked = [{ where: file, found: String(cause?.message ?? cause).split('\n')[0] }];
  return unfit({ code: 'NATIVE_LOAD_FAILED', looked, cause, ...whyNotLoaded(file, cause) });
}

/**
 * @param {string} file
 * @param {any} cause
 */
function whyNotLoaded(file, cause) {
  if (cause?.code === 'ERR_DLOPEN_DISABLED' || cause?.code === 'ERR_ACCESS_DENIED') {
    return {
      problem: `cannot load ${file}: the permission model of Node.js does not allow addons`,
      nextStep: 'start node with --allow-addons',
    };
  }
  if (/version [`'"]?GLIBC/.test(cause?.message)) {
    return {
      problem: `cannot load ${file}: the C library of this system is older than glibc ${GLIBC_FLOOR}`,
      nextStep: `run on a system with glibc ${GLIBC_FLOOR} or newer, or build the engine there: "npm run build" in a clone of the repository`,
    };
  }
  return {
    problem: `cannot load ${file}`,
    nextStep: process.env.DUROXIDE_NATIVE_PATH
      ? 'DUROXIDE_NATIVE_PATH must name a folder with both files of a build for this system'
      : `the file is not what was published for this system: delete node_modules, and run "${installer()}"`,
  };
}

/**
 * The error where the parts are of different releases.
 *
 * @param {{ addon?: string, engine: string }} versions
 * @param {string} folder
 */
function mismatch({ addon, engine }, folder) {
  return unfit({
    code: 'VERSION_MISMATCH',
    problem:
      `duroxide ${ownVersion} found an engine of version ${engine}` +
      `${addon === undefined ? '' : ` and an addon of version ${addon}`} in ${folder}`,
    nextStep: process.env.DUROXIDE_NATIVE_PATH
      ? 'DUROXIDE_NATIVE_PATH names a build of another version: build again, or unset it'
      : `delete node_modules, and run "${installer()}"; in a clone of the repository, run "npm run build"`,
  });
}

/** The error where the engine cannot be a process of its own. */
function noProgram() {
  return unfit({
    code: 'UNSUPPORTED_PLATFORM',
    problem: 'DUROXIDE_ENGINE=process is for Linux and macOS on x64 and arm64',
    nextStep: 'unset DUROXIDE_ENGINE: the engine is loaded into this process then',
  });
}

/**
 * The error where the engine as a program is not installed.
 *
 * @param {string} wanted
 * @param {string} version
 * @param {Look[]} looked
 */
function programMissing(wanted, version, looked) {
  const isAsked = process.env.DUROXIDE_ENGINE === 'process';
  const reason = isAsked
    ? 'DUROXIDE_ENGINE=process asks for it'
    : 'with musl no library can be loaded';
  return unfit({
    code: 'NATIVE_NOT_FOUND',
    problem: `the engine as a process of its own is not installed: ${reason}`,
    nextStep: fs.existsSync(path.join(HERE, 'binding.gyp'))
      ? `run "npm run build -- --program" in ${HERE}`
      : `run "${installer()} ${wanted}@${version}"`.replace(/(pnpm|yarn) install/, '$1 add'),
    looked,
  });
}

/**
 * The error where the program could not be started.
 *
 * @param {string} file
 * @param {any} cause
 */
function notStarted(file, cause) {
  return unfit({
    code: 'NATIVE_LOAD_FAILED',
    problem: `cannot start ${file}`,
    nextStep:
      cause?.code === 'EACCES'
        ? `make it executable: chmod +x ${file}; the file system must allow programs`
        : `the file is not what was published for this system: delete node_modules, and run "${installer()}"`,
    looked: [{ where: file, found: String(cause?.message ?? cause) }],
    cause,
  });
}

/** Whether no library of Go can be loaded here. */
function isMusl() {
  return systemLibc().libc === 'musl';
}

module.exports = {
  isMusl,
  mismatch,
  noProgram,
  notFound,
  notLoaded,
  notStarted,
  programMissing,
};
