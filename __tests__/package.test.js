'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { packageName, platformName } = require('../lib/platforms.js');
const consumer = require('../scripts/consumer.js');
const packages = require('../scripts/packages.js');
const { serveRegistry } = require('../scripts/registry.js');

/**
 * The packages as somebody installs them: the main one, and the engine of this system in the binaries
 * of this checkout. No variable leads to them, and there is no compiler on the PATH.
 */

const ROOT = path.join(__dirname, '..');
const HOST = platformName(process.platform, process.arch);
const top = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-package-'));
const folder = path.join(top, 'installed');
let packed;
let registry;

before(async () => {
  packed = [
    packages.makeMain(path.join(top, 'made')),
    packages.makePlatform(HOST, path.join(ROOT, 'build', 'Release'), path.join(top, 'made')),
  ].map((made) => packages.pack(made, path.join(top, 'packed')));
  registry = await serveRegistry(packed.map(({ file }) => file));
  consumer.makeProject(folder);
  const files = packed.map(({ file }) => file);
  const { code, stderr } = await consumer.npmIn(folder, [
    ...['install', '--ignore-scripts', '--registry', registry.url, ...files],
  ]);
  assert.equal(code, 0, stderr);
});

after(() => {
  registry.close();
  fs.rmSync(top, { recursive: true, force: true });
});

/** Runs a program of the project. */
async function output(args, more) {
  const { code, stdout, stderr } = await consumer.runIn(folder, [process.execPath, ...args], more);
  assert.equal(code, 0, stderr);
  return stdout;
}

describe('what is packed', () => {
  it('brings an engine and no source of one, and runs no script', () => {
    const installed = path.join(folder, 'node_modules');
    const manifest = JSON.parse(fs.readFileSync(path.join(installed, 'duroxide', 'package.json')));
    assert.equal(manifest.scripts, undefined);
    const { dependencies, version } = require('../package.json');
    // The parser of cron expressions, which has none of its own.
    assert.deepEqual(Object.keys(manifest.dependencies), ['croner']);
    assert.deepEqual(manifest.dependencies, dependencies);
    const engines = Object.values(manifest.optionalDependencies);
    assert.ok(engines.length >= 5 && engines.every((pinned) => pinned === version));
    const sources = fs
      .readdirSync(installed, { recursive: true })
      .filter((name) => /\.(go|cc|h|gyp)$/.test(name));
    assert.deepEqual(sources, []);
    assert.deepEqual(fs.readdirSync(path.join(installed, '@duroxide')), [HOST]);
  });

  it('is no larger than it may be, and holds one copy of each binary', () => {
    for (const each of packed) assert.deepEqual(packages.checkSize(each), []);
    const [, engine] = packed;
    assert.equal(engine.files.filter((name) => /\.(so|dylib|dll|node)$/.test(name)).length, 2);
  });
});

describe('in an empty folder, without a compiler', () => {
  it('has neither Go nor make nor a compiler on its PATH', async () => {
    for (const tool of ['go', 'make', 'cc', 'c++', 'gcc', 'g++', 'clang', 'python3']) {
      await assert.rejects(consumer.runIn(folder, [tool, '--version']), { code: 'ENOENT' });
    }
  });

  const runsFirst = async (file) => {
    assert.equal(await output([file]), consumer.FIRST_OUTPUT);
    fs.rmSync(path.join(folder, 'workflows.db'));
  };

  it('the first workflow of the README runs as first.cjs', () => runsFirst('first.cjs'));

  it('the first workflow of the README runs as first.mjs', () => runsFirst('first.mjs'));

  for (const resolution of consumer.RESOLUTIONS) {
    it(`the types are found with ${resolution.moduleResolution}`, async () => {
      const { code, stdout, stderr } = await consumer.typeCheck(folder, resolution);
      assert.equal(code, 0, stdout + stderr);
    });
  }

  it('the deep path of the entry and the package description can be required', async () => {
    const text = `const assert = require('node:assert/strict');
      assert.equal(require('duroxide/lib/duroxide.js'), require('duroxide'));
      console.log(require('duroxide/package.json').name);`;
    assert.equal(await output(['-e', text]), 'duroxide\n');
  });

  it('the classes that users see have their names', async () => {
    const text = `const isClass = (value) => /^class\\b/.test(String(value));
      const classes = Object.entries(require('duroxide')).filter(([, value]) => isClass(value));
      const misnamed = classes.filter(([name, value]) => name !== value.name).map(([name]) => name);
      console.log(classes.length > 10, misnamed.join());`;
    assert.equal(await output(['-e', text]), 'true \n');
  });

  it('the command of the package prints the SQL of a schema', async () => {
    const command = path.join(folder, 'node_modules', 'duroxide', 'bin', 'duroxide.js');
    const printed = await output([command, 'postgres-sql', '--schema', 'shop']);
    assert.match(printed, /CREATE SCHEMA IF NOT EXISTS "shop";/);
  });
});

describe('from a registry', () => {
  it('npm chooses the engine of this system and fetches no other', async () => {
    const project = path.join(top, 'chosen');
    consumer.makeProject(project);
    const before = registry.asked.length;
    const { code, stderr } = await consumer.npmIn(project, [
      ...['install', '--ignore-scripts', '--registry', registry.url, 'duroxide'],
    ]);
    assert.equal(code, 0, stderr);
    const archives = registry.asked.slice(before).filter((url) => url.endsWith('.tgz'));
    // What npm has in its cache it does not fetch: of the dependencies any may be missing.
    const { dependencies } = require('../package.json');
    const fetched = archives
      .map((url) => url.split('/-/')[0])
      .filter((name) => !dependencies[name]);
    assert.deepEqual(fetched.sort(), [packageName(HOST), 'duroxide'].sort());
    const { stdout } = await consumer.runIn(project, [process.execPath, 'first.mjs']);
    assert.equal(stdout, consumer.FIRST_OUTPUT);
  });
});
