'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');

const ROOT = path.join(__dirname, '..');
const ONE_ORCHESTRATION = `
  const store = await SqliteProvider.open('package.db');
  const runtime = new Runtime(store, { logLevel: 'error' });
  runtime.registerActivity('greet', (_ctx, name) => 'Hello, ' + name);
  runtime.registerOrchestration('Hello', function* (ctx, name) {
    return yield ctx.scheduleActivity('greet', name);
  });
  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration(id, 'Hello', 'Ada');
  const { status, output } = await client.waitForOrchestration(id);
  console.log(status, output);
  await runtime.shutdown();
  await store.close();
`;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-package-'));
// The package brings sources; the binaries are those of this checkout.
const env = { ...process.env, DUROXIDE_NATIVE_PATH: path.join(ROOT, 'build', 'Release') };

function npm(args, cwd) {
  const options = { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
  const own = process.env.npm_execpath;
  if (own?.endsWith('.js')) return execFileSync(process.execPath, [own, ...args], options);
  return execFileSync('npm', args, { ...options, shell: process.platform === 'win32' });
}

function node(file, text) {
  fs.writeFileSync(path.join(folder, file), text);
  return execFileSync(process.execPath, [file], { cwd: folder, env, encoding: 'utf8' });
}

before(() => {
  const [{ filename }] = JSON.parse(
    npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], ROOT),
  );
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
  npm(['install', '--offline', '--no-audit', '--no-fund', path.join(folder, filename)], folder);
});

after(() => fs.rmSync(folder, { recursive: true, force: true }));

test('installing the package runs no script and brings no dependency', () => {
  const installed = fs.readdirSync(path.join(folder, 'node_modules'));
  assert.deepEqual(
    installed.filter((name) => !name.startsWith('.')),
    ['duroxide'],
  );
  const { scripts = {} } = require(path.join(folder, 'node_modules', 'duroxide', 'package.json'));
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) {
    assert.equal(scripts[name], undefined, `the package has a script ${name}`);
  }
  assert.equal(fs.existsSync(path.join(folder, 'node_modules', 'duroxide', 'build')), false);
});

test('the installed package runs an orchestration when it is required', () => {
  const text = `const { Client, Runtime, SqliteProvider } = require('duroxide');
    const id = 'required';
    (async () => {${ONE_ORCHESTRATION}})();`;
  assert.equal(node('required.cjs', text), 'Completed Hello, Ada\n');
});

test('the installed package runs an orchestration when it is imported by name', () => {
  const text = `import { Client, Runtime, SqliteProvider } from 'duroxide';
    const id = 'imported';
    ${ONE_ORCHESTRATION}`;
  assert.equal(node('imported.mjs', text), 'Completed Hello, Ada\n');
});

test('the deep path of the entry and the package description can be required', () => {
  const text = `const assert = require('node:assert/strict');
    assert.equal(require('duroxide/lib/duroxide.js'), require('duroxide'));
    console.log(require('duroxide/package.json').name);`;
  assert.equal(node('deep.cjs', text), 'duroxide\n');
});

test('the command of the package prints the SQL of a schema', () => {
  const printed = npm(
    ['exec', '--offline', '--', 'duroxide', 'postgres-sql', '--schema', 'shop'],
    folder,
  );
  assert.match(printed, /CREATE SCHEMA IF NOT EXISTS "shop";/);
});
