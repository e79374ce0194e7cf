'use strict';

/**
 * The names of the packages that carry the engine, and the systems that there are such packages for.
 * Whoever publishes under other names changes SCOPE here and `name` in package.json, nothing else.
 */

const SCOPE = '@duroxide';

/** The oldest glibc that the packages for Linux need. */
const GLIBC_FLOOR = '2.28';

/**
 * Systems with a package, by the ending of its name.
 *
 * @type {Readonly<Record<string, { os: string, cpu: string, libc?: string }>>}
 */
const PLATFORMS = Object.freeze({
  'linux-x64-gnu': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-arm64-gnu': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'darwin-arm64': { os: 'darwin', cpu: 'arm64' },
  'darwin-x64': { os: 'darwin', cpu: 'x64' },
  'win32-x64': { os: 'win32', cpu: 'x64' },
});

/**
 * Systems with a package that holds the engine as a program, for a process of its own.
 *
 * @type {Readonly<Record<string, { os: string, cpu: string }>>}
 */
const PROGRAM_PLATFORMS = Object.freeze({
  'linux-x64': { os: 'linux', cpu: 'x64' },
  'linux-arm64': { os: 'linux', cpu: 'arm64' },
  'darwin-arm64': { os: 'darwin', cpu: 'arm64' },
  'darwin-x64': { os: 'darwin', cpu: 'x64' },
});

/**
 * Systems where no library can be loaded: their package brings the program along.
 *
 * @type {Readonly<Record<string, { os: string, cpu: string, libc: string, program: string }>>}
 */
const MUSL_PLATFORMS = Object.freeze({
  'linux-x64-musl': { os: 'linux', cpu: 'x64', libc: 'musl', program: 'linux-x64' },
  'linux-arm64-musl': { os: 'linux', cpu: 'arm64', libc: 'musl', program: 'linux-arm64' },
});

const PROGRAM_FILE = 'duroxide-engine';

const ADDON_FILE = 'duroxide.node';

/** @type {Record<string, string>} */
const ENGINE_FILES = { darwin: 'libduroxide.dylib', win32: 'duroxide.dll' };

/**
 * The file of the engine library.
 *
 * @param {string} os as in process.platform
 */
function engineFile(os) {
  return ENGINE_FILES[os] ?? 'libduroxide.so';
}

/**
 * The ending of the name of a system's package, whether there is such a package or not.
 *
 * @param {string} os as in process.platform
 * @param {string} cpu as in process.arch
 * @param {string} [libc] glibc or musl
 */
function platformName(os, cpu, libc = 'glibc') {
  if (os !== 'linux') return `${os}-${cpu}`;
  return `${os}-${cpu}-${libc === 'musl' ? 'musl' : 'gnu'}`;
}

/** @param {string} name an ending, as platformName gives it */
function packageName(name) {
  return `${SCOPE}/${name}`;
}

/** @param {string} name of a system, as in PROGRAM_PLATFORMS */
function programPackage(name) {
  return `${SCOPE}/engine-${name}`;
}

module.exports = {
  ADDON_FILE,
  GLIBC_FLOOR,
  MUSL_PLATFORMS,
  PLATFORMS,
  PROGRAM_FILE,
  PROGRAM_PLATFORMS,
  engineFile,
  packageName,
  platformName,
  programPackage,
};
