'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { PLATFORMS, packageName, platformName } = require('../lib/platforms.js');
const packages = require('../scripts/packages.js');

/**
 * Installations that do not fit: each says what this system is, what was looked for where, and the
 * one step that helps there.
 */

const ROOT = path.join(__dirname, '..');
const BINARIES = path.join(ROOT, 'build', 'Release');
const HOST = platformName(process.platform, process.arch);
const OTHER = Object.keys(PLATFORMS).find((name) => name.startsWith('darwin') && name !== HOST);
const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-unfit-')));
const open = (name) => `const { SqliteProvider } = require(${JSON.stringify(name)});
  SqliteProvider.open(':memory:').then(
    () => console.log(JSON.stringify({ opened: true })),
    ({ code, message, details }) => console.log(JSON.stringify({ code, message, details })),
  );`;
let main;
let engine;

before(() => {
  main = packages.makeMain(path.join(top, 'made'));
  engine = packages.makePlatform(HOST, BINARIES, path.join(top, 'made'));
});

after(() => fs.rmSync(top, { recursive: true, force: true }));

/** Makes a project with the main package and whatever else is named, as a package manager would. */
function project(name, { engines = {}, lock } = {}) {
  const folder = path.join(top, name);
  fs.cpSync(main, path.join(folder, 'node_modules', 'duroxide'), { recursive: true });
  for (const [platform, from] of Object.entries(engines)) {
    const target = path.join(folder, 'node_modules', packageName(platform));
    fs.mkdirSync(target, { recursive: true });
    if (from) fs.cpSync(from, target, { recursive: true });
    else fs.writeFileSync(path.join(target, 'package.json'), '{}');
  }
  if (lock) {
    const named = Object.fromEntries(lock.map((each) => [`node_modules/${packageName(each)}`, {}]));
    const text = JSON.stringify({ lockfileVersion: 3, packages: named });
    fs.writeFileSync(path.join(folder, 'package-lock.json'), text);
  }
  return folder;
}

/** Opens a store in a project and gives what came of it. */
function attempt(folder, { options = [], before: first = '' } = {}) {
  const env = { ...process.env };
  delete env.DUROXIDE_NATIVE_PATH;
  const args = [...options, '-e', first + open('duroxide')];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

/** What every such error says. */
function assertExplains(error, { code, nextStep }) {
  assert.equal(error.code, code);
  const { platform, arch, version } = process;
  for (const word of [platform, arch, version, 'Next step: ']) {
    assert.ok(error.message.includes(word), `"${word}" is not in: ${error.message}`);
  }
  if (platform === 'linux') assert.match(error.message, /glibc \d/);
  assert.match(error.details.nextStep, nextStep);
  assert.equal(error.message.match(/Next step/g).length, 1);
  assert.doesNotMatch(error.message, /Failed to open/);
}

describe('an engine that is missing', () => {
  it('optional dependencies were left out', () => {
    const error = attempt(project('omitted'));
    assertExplains(error, {
      code: 'NATIVE_NOT_FOUND',
      nextStep: /"npm install --include=optional"/,
    });
    assert.ok(error.message.includes(packageName(HOST)));
    assert.ok(error.details.looked.some(({ where }) => where.startsWith(packageName(HOST))));
    assert.ok(
      error.details.looked.some(({ where }) => where.endsWith(path.join('build', 'Release'))),
    );
  });

  it('it is there for a lock file that names this system', () => {
    const error = attempt(project('locked', { lock: [HOST, OTHER] }));
    assertExplains(error, {
      code: 'NATIVE_NOT_FOUND',
      nextStep: /"npm install --include=optional"/,
    });
  });

  it('the lock file is that of another platform', () => {
    const error = attempt(project('foreign-lock', { lock: [OTHER] }));
    assertExplains(error, {
      code: 'NATIVE_NOT_FOUND',
      nextStep: /delete node_modules and package-lock\.json, and run "npm install"/,
    });
  });

  it('the modules were copied from another platform', () => {
    const error = attempt(project('copied', { engines: { [OTHER]: null } }));
    assertExplains(error, {
      code: 'NATIVE_NOT_FOUND',
      nextStep: /delete node_modules, and run "npm install"/,
    });
    assert.ok(
      error.message.includes(packageName(OTHER)) && error.message.includes(packageName(HOST)),
    );
  });

  it('there is none for this platform', () => {
    const error = attempt(project('unsupported'), {
      before: `Object.defineProperty(process, 'arch', { value: 'riscv64' });`,
    });
    assert.equal(error.code, 'UNSUPPORTED_PLATFORM');
    assert.match(error.message, /riscv64/);
    assert.match(error.details.nextStep, /from source.*npm run build.*DUROXIDE_NATIVE_PATH/s);
  });

  it('a clone that was not built', () => {
    const folder = path.join(top, 'clone');
    fs.cpSync(main, folder, { recursive: true });
    fs.copyFileSync(path.join(ROOT, 'binding.gyp'), path.join(folder, 'binding.gyp'));
    const { stdout } = spawnSync(process.execPath, ['-e', open(folder)], {
      env: { ...process.env, DUROXIDE_NATIVE_PATH: '' },
      encoding: 'utf8',
    });
    assertExplains(JSON.parse(stdout), { code: 'NATIVE_NOT_FOUND', nextStep: /"npm run build"/ });
  });
});

describe('an engine that cannot be loaded', () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';

  it('the permission model does not allow addons', () => {
    const folder = project('permission', { engines: { [HOST]: engine } });
    const allowed = [flag, '--allow-fs-read=*', '--allow-fs-write=*', '--no-warnings'];
    const error = attempt(folder, { options: allowed });
    assertExplains(error, { code: 'NATIVE_LOAD_FAILED', nextStep: /--allow-addons/ });
    assert.deepEqual(attempt(folder, { options: [...allowed, '--allow-addons'] }), {
      opened: true,
    });
  });

  it('its file is broken', () => {
    const folder = project('broken', { engines: { [HOST]: engine } });
    const file = path.join(folder, 'node_modules', packageName(HOST), 'duroxide.node');
    fs.writeFileSync(file, 'not a library');
    const error = attempt(folder);
    assertExplains(error, { code: 'NATIVE_LOAD_FAILED', nextStep: /delete node_modules/ });
    assert.ok(error.message.includes(file));
  });

  it('the C library is too old', () => {
    const { notLoaded } = require('../lib/unfit.js');
    const cause = new Error("/lib/libc.so.6: version `GLIBC_2.28' not found");
    const error = notLoaded('/x/duroxide.node', cause);
    assertExplains(error, { code: 'NATIVE_LOAD_FAILED', nextStep: /glibc 2\.28 or newer/ });
    assert.equal(error.cause, cause);
  });
});

it('a store of another copy of the package is told from what is no store', () => {
  const folder = project('copies', { engines: { [HOST]: engine } });
  const copy = path.join(folder, 'other', 'duroxide');
  fs.cpSync(main, copy, { recursive: true });
  const text = `const { SqliteProvider } = require('duroxide');
    const { Client, Runtime } = require(${JSON.stringify(copy)});
    SqliteProvider.open(':memory:').then(async (store) => {
      for (const Class of [Client, Runtime]) {
        try { new Class(store); } catch (error) { console.log(error.name + ': ' + error.message); }
      }
      await store.close();
    });`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', text], {
    cwd: folder,
    encoding: 'utf8',
  });
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, 2, stderr);
  for (const line of lines) {
    assert.match(line, /^TypeError: provider must be .* one of another copy/);
    assert.ok(line.includes(path.join(folder, 'node_modules', 'duroxide')) && line.includes(copy));
    assert.match(line, /npm ls duroxide/);
  }
});
