'use strict';

/**
 * The compiler for other systems: zig, which brings the headers and libraries of all of them. It
 * comes from PyPI, at one version, into a folder of the project that git does not know.
 *
 *     node scripts/zig.js     installs it, and prints where it is
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./prepare.js');

const VERSION = '0.17.1';
const TOOLS = path.join(ROOT, '.tools');
const FOLDER = path.join(TOOLS, `zig-${VERSION}`);
const PROGRAM = path.join(FOLDER, 'ziglang', process.platform === 'win32' ? 'zig.exe' : 'zig');

/** The first Python that has pip. */
function python() {
  const found = [process.env.PYTHON, 'python3', 'python'].find(
    (name) => name && spawnSync(name, ['-m', 'pip', '--version'], { stdio: 'ignore' }).status === 0,
  );
  if (found === undefined) {
    throw new Error(
      'Python 3 with pip is missing, which brings zig: install python3-pip and run this again.',
    );
  }
  return found;
}

/** Installs zig unless it is there, and gives the path of its program. */
function zig() {
  if (fs.existsSync(PROGRAM)) return PROGRAM;
  const next = `${FOLDER}.${process.pid}`;
  fs.mkdirSync(TOOLS, { recursive: true });
  const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary=:all:'];
  args.push('--root-user-action=ignore', '--target', next, `ziglang==${VERSION}`);
  const { status } = spawnSync(python(), args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) {
    fs.rmSync(next, { recursive: true, force: true });
    throw new Error(`zig ${VERSION} cannot be installed from PyPI: is it reachable?`);
  }
  // Somebody else may have been quicker.
  if (fs.existsSync(FOLDER)) fs.rmSync(next, { recursive: true });
  else fs.renameSync(next, FOLDER);
  return PROGRAM;
}

/** What zig compiles once, it keeps beside itself. */
function zigEnvironment() {
  const cache = path.join(TOOLS, 'zig-cache');
  return { ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
}

if (require.main === module) {
  try {
    process.stdout.write(`${zig()}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}

module.exports = { TOOLS, zig, zigEnvironment };
