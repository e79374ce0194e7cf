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
const { checkSize } = require('../scripts/sizes.js');

/**
 * The packages as somebody installs them: the main one, the engine of this system in the binaries of this
 * checkout, and in the end the packages beside it. No variable leads to them, and there is no compiler on the PATH.
 */

const ROOT = path.join(__dirname, '..');
const HOST = platformName(process.platform, process.arch);
const top = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-package-'));
const folder = path.join(top, 'installed');
let packed;
let commandLine;
let page;
let telemetry;
let registry;

before(async () => {
  packed = [
    packages.makeMain(path.join(top, 'made')),
    packages.makePlatform(HOST, path.join(ROOT, 'build', 'Release'), path.join(top, 'made')),
  ].map((made) => packages.pack(made, path.join(top, 'packed')));
  const makers = [packages.makeCli, packages.makeUi, packages.makeTelemetry];
  [commandLine, page, telemetry] = makers.map((make) =>
    packages.pack(make(path.join(top, 'made')), path.join(top, 'packed')),
  );
  registry = await serveRegistry([...packed, commandLine, page, telemetry].map(({ file }) => file));
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
    for (const each of [...packed, commandLine, page, telemetry])
      assert.deepEqual(checkSize(each), []);
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

  it('the command is a package of its own, and is named where it is missing', async () => {
    const command = path.join(folder, 'node_modules', 'duroxide', 'bin', 'duroxide.js');
    const before = await consumer.runIn(folder, [process.execPath, command, 'check']);
    assert.equal(before.code, 2);
    assert.equal(before.stdout, '');
    const { name, version } = packages.cliManifest();
    const install = `npm install --save-dev ${name}@${version}`;
    assert.match(before.stderr, new RegExp(`^duroxide: .*: ${install}\n$`));

    const [, ...args] = install.split(' ');
    const installed = await consumer.npmIn(folder, [...args, '--registry', registry.url]);
    assert.equal(installed.code, 0, installed.stderr);
    const printed = await output([command, 'postgres-sql', '--schema', 'shop']);
    assert.match(printed, /CREATE SCHEMA IF NOT EXISTS "shop";/);
    const code = "exports.a = require('duroxide').defineOrchestration('A', function* () {});";
    fs.writeFileSync(path.join(folder, 'code.cjs'), code);
    const open = "require('duroxide').SqliteProvider.open('a.db').then((store) => store.close());";
    await output(['-e', open]);
    const checked = await output([command, 'check', ...['--code', 'code.cjs', '--store', 'a.db']]);
    assert.match(checked, /^0 checked: /m);

    // The page is another one.
    const asked = [process.execPath, command, 'ui', '--store', 'a.db'];
    const lacking = await consumer.runIn(folder, asked);
    assert.equal(lacking.code, 2);
    assert.ok(
      lacking.stderr.includes(`npm install --save-dev ${packages.uiManifest().name}@${version}`),
    );

    // One of another release does not fit.
    const own = path.join(folder, 'node_modules', name, 'package.json');
    const text = fs.readFileSync(own, 'utf8');
    fs.writeFileSync(own, text.replace(`"version": "${version}"`, '"version": "9.8.7"'));
    const other = await consumer.runIn(folder, [process.execPath, command, 'check']);
    assert.equal(other.code, 2);
    assert.match(other.stderr, new RegExp(` is of the release 9\\.8\\.7, and .*: ${install}\n$`));
  });
});

describe('the page', () => {
  it('is a package of its own, with types, and is served as it is installed', async () => {
    const { name, version } = packages.uiManifest();
    const args = ['install', '--ignore-scripts', '--registry', registry.url, `${name}@${version}`];
    const installed = await consumer.npmIn(folder, args);
    assert.equal(installed.code, 0, installed.stderr);
    const text = `const { Client, SqliteProvider } = require('duroxide');
      const { createDashboard } = require('@duroxide/ui');
      SqliteProvider.inMemory().then(async (store) => {
        const page = createDashboard(new Client(store), { authenticate: false });
        const ask = async (path) => (await page.fetch(new Request('http://localhost' + path))).text();
        for (const file of ['page.js', 'page.css', 'sign-in.js', 'icon.svg']) {
          console.log((await ask('/assets/' + file)).length > 100);
        }
        console.log(JSON.parse(await ask('/api/session')).version);
        await store.close();
      });`;
    assert.equal(await output(['-e', text]), `${'true\n'.repeat(4)}${version}\n`);
    const typed = `import { Client, type Provider } from 'duroxide';
      import { createDashboard, serve, type Dashboard } from '@duroxide/ui';
      export const make = (store: Provider): Dashboard =>
        createDashboard(new Client(store), {
          authenticate: (request: Request) => ({ user: request.url, role: 'read' as const }),
          redact: (value, { kind }) => (kind === 'error' ? value : '[hidden]'),
        });
      // @ts-expect-error: somebody has to say who is let in
      export const open = (store: Provider) => createDashboard(new Client(store), {});
      export const link = async (client: Client) => (await serve({ client })).link;
      `;
    fs.writeFileSync(path.join(folder, 'page.ts'), typed);
    const { code, stdout } = await consumer.typeCheck(folder, consumer.RESOLUTIONS[0], ['page.ts']);
    assert.equal(code, 0, stdout);
  });
});

describe('the package for OpenTelemetry', () => {
  it('is a package of its own, with types, and the main package asks for nothing of it', async () => {
    const { version } = require('../package.json');
    const names = [`${packageName('opentelemetry')}@${version}`, '@opentelemetry/api@1.9.1'];
    const args = ['install', '--ignore-scripts', '--registry', registry.url, ...names];
    const installed = await consumer.npmIn(folder, args);
    assert.equal(installed.code, 0, installed.stderr);
    const text = `const { Client, Runtime, SqliteProvider } = require('duroxide');
      const { SpanIds, instrument } = require('@duroxide/opentelemetry');
      SqliteProvider.inMemory().then(async (store) => {
        const [runtime, client] = [new Runtime(store), new Client(store)];
        instrument({ runtime, client, spanIds: new SpanIds() });
        runtime.registerOrchestration('One', function* () { return 1; });
        await runtime.start();
        console.log(await (await client.start('One', 'one', null)).result());
        await runtime.shutdown();
        await store.close();
      });`;
    assert.equal(await output(['-e', text]), '1\n');
    const typed = `import { Client, Runtime, type Provider } from 'duroxide';
      import { SpanIds, instrument } from '@duroxide/opentelemetry';
      export const make = (store: Provider): (() => void) =>
        instrument({ runtime: new Runtime(store), spanIds: new SpanIds(), steps: true }).stop;
      // @ts-expect-error: there is no such option
      export const wrong = (client: Client) => instrument({ client, tracer: null });
      `;
    fs.writeFileSync(path.join(folder, 'traced.ts'), typed);
    const resolution = consumer.RESOLUTIONS[0];
    const { code, stdout } = await consumer.typeCheck(folder, resolution, ['traced.ts']);
    assert.equal(code, 0, stdout);
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
