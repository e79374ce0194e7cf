'use strict';

/**
 * How both binaries are built for systems other than this one. macOS is not among them: its
 * libraries may not be had elsewhere, so its packages are built on its own runner. Here it is only
 * compiled.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {
  ADDON_FILE,
  GLIBC_FLOOR,
  PLATFORMS,
  PROGRAM_FILE,
  PROGRAM_PLATFORMS,
  engineFile,
} = require('../lib/platforms.js');
const { checkElf, checkPe } = require('./binaries.js');
const { buildEngine } = require('./go-build.js');
const { ROOT } = require('./prepare.js');
const { zig, zigEnvironment } = require('./zig.js');
const { version } = require('../package.json');

/**
 * @typedef {object} Target
 * @property {string} os as in process.platform
 * @property {Record<string, string>} go GOOS and GOARCH
 * @property {string} triple what zig calls the system
 * @property {string[]} flags for the addon
 */

const ELF_FLAGS = ['-fPIC', '-Wl,--gc-sections', '-Wl,-z,nodelete', '-Wl,-z,now'];

/** @type {Record<string, Target>} */
const TARGETS = {
  'linux-x64-gnu': {
    os: 'linux',
    go: { GOOS: 'linux', GOARCH: 'amd64' },
    triple: `x86_64-linux-gnu.${GLIBC_FLOOR}`,
    flags: ELF_FLAGS,
  },
  'linux-arm64-gnu': {
    os: 'linux',
    go: { GOOS: 'linux', GOARCH: 'arm64' },
    triple: `aarch64-linux-gnu.${GLIBC_FLOOR}`,
    flags: ELF_FLAGS,
  },
  'win32-x64': {
    os: 'win32',
    go: { GOOS: 'windows', GOARCH: 'amd64' },
    triple: 'x86_64-windows-gnu',
    flags: [],
  },
};

/** What is compiled, and not linked. @type {Record<string, Target>} */
const COMPILED = {
  'darwin-arm64': {
    os: 'darwin',
    go: { GOOS: 'darwin', GOARCH: 'arm64' },
    triple: 'aarch64-macos.12.0',
    flags: ['-fPIC'],
  },
  'darwin-x64': {
    os: 'darwin',
    go: { GOOS: 'darwin', GOARCH: 'amd64' },
    triple: 'x86_64-macos.12.0',
    flags: ['-fPIC'],
  },
};

const NODE_API = 8;

/** As in binding.gyp. */
const ADDON_FLAGS = [
  ...['-O2', '-std=c++17', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden'],
  ...['-ffunction-sections', '-fdata-sections', '-Wall', '-Wextra', '-Werror'],
  ...[
    `-DNAPI_VERSION=${NODE_API}`,
    '-DNODE_ADDON_API_DISABLE_DEPRECATED',
    '-DNAPI_DISABLE_CPP_EXCEPTIONS',
  ],
  ...['-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS', `-DDUROXIDE_VERSION="${version}"`],
];

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function run(command, args, env = {}) {
  const options = /** @type {const} */ ({ cwd: ROOT, stdio: 'inherit' });
  const { status, error } = spawnSync(command, args, {
    ...options,
    env: { ...process.env, ...zigEnvironment(), ...env },
  });
  if (error) throw error;
  if (status !== 0)
    throw new Error(`${path.basename(command)} ${args.slice(0, 3).join(' ')} failed`);
}

/** @param {Target} target @param {string} mode of Go @param {string} file */
function compileEngine(target, mode, file) {
  const args = [...buildEngine(mode, '-extldflags=-s'), '-o', file];
  const compiler = (/** @type {string} */ word) => `"${zig()}" ${word} -target ${target.triple}`;
  run('go', [...args, './bridge'], {
    ...target.go,
    CGO_ENABLED: '1',
    CC: compiler('cc'),
    CXX: compiler('c++'),
  });
  // Go leaves the generated header beside the library.
  fs.rmSync(file.replace(/\.[a-z]+$/, '.h'), { force: true });
}

/**
 * Builds the engine as a program, for any system: it has no C part.
 *
 * @param {string} name as in PROGRAM_PLATFORMS
 * @param {string} folder that gets it
 */
function buildProgram(name, folder) {
  const { os, cpu } = PROGRAM_PLATFORMS[name];
  run('go', [...buildEngine(null), '-o', path.join(folder, PROGRAM_FILE), './bridge'], {
    GOOS: os,
    GOARCH: cpu === 'x64' ? 'amd64' : cpu,
    CGO_ENABLED: '0',
  });
}

/** What Node offers to addons, as a library to link with. @param {string} folder */
function nodeLibrary(folder) {
  const list = path.join(folder, 'node.def');
  const library = path.join(folder, 'node.lib');
  const names = [...nodeSymbols()].sort().join('\n');
  fs.writeFileSync(list, `NAME node.exe\nEXPORTS\n${names}\n`);
  run(zig(), ['dlltool', '-m', 'i386:x86-64', '-d', list, '-l', library]);
  fs.rmSync(list);
  return library;
}

/** The names of the version of Node-API that the addon is made for. @returns {Set<string>} */
function nodeSymbols() {
  const names = require('node-api-headers').symbols[`v${NODE_API}`];
  return new Set([...names.js_native_api_symbols, ...names.node_api_symbols]);
}

/** Compiles parts of the addon. @param {Target} target @param {string[]} more */
function compileAddon(target, more) {
  run(zig(), [
    ...['c++', '-target', target.triple, ...ADDON_FLAGS, ...target.flags],
    ...['-isystem', require('node-api-headers').include_dir],
    ...['-isystem', require('node-addon-api').include_dir],
    ...more,
  ]);
}

/** The files that the addon is made of. */
function addonSources() {
  const names = fs.readdirSync(path.join(ROOT, 'native')).filter((name) => name.endsWith('.cc'));
  return names.map((name) => path.join('native', name));
}

/** @param {Target} target @param {string} folder */
function buildAddon(target, folder) {
  const library = target.os === 'win32' ? [nodeLibrary(folder)] : [];
  const output = ['-shared', '-s', '-o', path.join(folder, ADDON_FILE)];
  compileAddon(target, [...addonSources(), ...library, ...output]);
  for (const name of fs.readdirSync(folder)) {
    if (/\.(lib|pdb)$/.test(name)) fs.rmSync(path.join(folder, name));
  }
}

/**
 * Builds both binaries of a target.
 *
 * @param {string} name
 * @param {string} folder that gets them
 */
function buildTarget(name, folder) {
  const target = TARGETS[name];
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  compileEngine(target, 'c-shared', path.join(folder, engineFile(target.os)));
  buildAddon(target, folder);
}

/**
 * Compiles all that a system consists of which is not built here, to see that it would: the engine with
 * its C part, and the objects of the addon.
 *
 * @param {string} name as in COMPILED
 */
function compileTarget(name) {
  const target = COMPILED[name];
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-compiled-'));
  try {
    compileEngine(target, 'c-archive', path.join(folder, 'engine.a'));
    for (const source of addonSources()) {
      const object = path.join(folder, `${path.basename(source)}.o`);
      compileAddon(target, ['-c', source, '-o', object]);
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Looks at binaries, wherever they were built: what of the system they need. It says what keeps them
 * from running, and in one word what they need.
 *
 * @param {string} name of a platform
 * @param {string} folder with both binaries
 * @returns {{ problems: string[], needs: string }}
 */
function checkTarget(name, folder) {
  const { os } = PLATFORMS[name] ?? { os: process.platform };
  const files = [ADDON_FILE, engineFile(os)].map((file) => path.join(folder, file));
  if (os === 'linux') {
    const looks = files.map((file) => checkElf(file, GLIBC_FLOOR));
    const needs = looks.map(({ floor }) => floor).join(' and ');
    return { problems: looks.flatMap(({ problems }) => problems), needs: `glibc ${needs}` };
  }
  if (os === 'win32') {
    const looks = files.map((file) => checkPe(file, nodeSymbols()));
    const needs = `${looks.flatMap(({ libraries }) => libraries).length} imported libraries`;
    return { problems: looks.flatMap(({ problems }) => problems), needs };
  }
  return { problems: [], needs: 'not looked at' };
}

module.exports = { COMPILED, TARGETS, buildProgram, buildTarget, checkTarget, compileTarget };
