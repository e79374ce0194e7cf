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

module.exports = { ADDON_FILE, GLIBC_FLOOR, PLATFORMS, engineFile, packageName, platformName };
