'use strict';

/** `duroxide check`: code is tried on the histories of what runs. */

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { CHANGES, register } = require('./support/changes.js');
const { makeRuntime } = require('./support/harness.js');
const { openStore, temporaryFolder } = require('./support/store.js');
const { Client } = require('../lib/duroxide.js');

const COMMAND = path.join(__dirname, '..', 'bin', 'duroxide.js');
const AFTER = path.join(__dirname, 'support', 'code-after.js');
const GRADES = ['same', 'differs', 'diverges', 'noCode'];

/** Runs the command, and gives its exit code and what it printed. */
async function command(args, env = {}) {
  try {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 << 20 };
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [COMMAND, 'check', ...args],
      options,
    );
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (typeof error.code !== 'number') throw error;
    return { code: error.code, stdout: error.stdout, stderr: error.stderr };
  }
}

/** How a command names the store of a test. */
function locationOf({ file, url, schema }) {
  if (file !== undefined) return file;
  const location = new URL(url);
  location.searchParams.set('schema', schema);
  return location.href;
}

/** What all instances of a test wait for at the end. */
const LAST_WAITS = ['ExternalSubscribed go', 'QueueSubscribed jobs'];

/** Waits until the last thing in a history is what its instance waits for in the end. */
async function untilWaiting(client, id) {
  for (;;) {
    const last = (await client.readExecutionHistory(id, 1)).at(-1);
    if (last && LAST_WAITS.includes(`${last.kind} ${JSON.parse(last.data).name}`)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Begins one instance of each orchestration, and waits until nothing moves any more. */
async function begun(
  t,
  setUp = (runtime) => register(runtime, 'before'),
  ids = Object.keys(CHANGES),
) {
  const { provider, place } = await openStore(t);
  const runtime = makeRuntime(provider, {});
  setUp(runtime);
  await runtime.start();
  t.after(() => runtime.shutdown());
  const client = new Client(provider);
  for (const name of ids) await client.startOrchestration(name, name);
  for (const id of ids) await untilWaiting(client, id);
  return { provider, client, location: locationOf(place) };
}

/** A file of code that lives as long as the test. */
function written(t, text, name = 'code.js') {
  const file = path.join(temporaryFolder(t), name);
  fs.writeFileSync(file, text.replace("'duroxide'", JSON.stringify(path.join(__dirname, '..'))));
  return file;
}

const gradesOf = ({ orchestrations }) =>
  Object.fromEntries(
    orchestrations.map((row) => [
      row.orchestrationName,
      GRADES.filter((grade) => row[grade] > 0).join(),
    ]),
  );

test('every kind of change gets its grade, from a store in use and from a file', async (t) => {
  const { client, location } = await begun(t);
  const expected = Object.fromEntries(Object.entries(CHANGES).map(([k, v]) => [k, v.grade]));

  const live = await command(['--code', AFTER, '--store', location, '--json']);
  assert.equal(live.stderr, '');
  assert.equal(live.code, 1);
  const found = JSON.parse(live.stdout);
  assert.deepEqual(gradesOf(found), expected);
  assert.equal(found.checked, Object.keys(CHANGES).length);
  for (const { orchestrationName, groups } of found.orchestrations) {
    if (expected[orchestrationName] === 'same') assert.deepEqual(groups, []);
    else assert.deepEqual(groups[0].examples, [orchestrationName]);
  }
  const renamed = found.orchestrations.find((row) => row.orchestrationName.includes('is renamed'));
  assert.match(renamed.groups[0].location, /changes\.js:\d+:\d+$/);

  const file = path.join(temporaryFolder(t), 'histories.ndjson');
  for await (const text of client.exportHistories({ status: 'Running' })) {
    fs.appendFileSync(file, text);
  }
  const saved = await command(['--code', AFTER, '--store', file, '--json']);
  assert.equal(saved.stderr, '');
  assert.deepEqual(gradesOf(JSON.parse(saved.stdout)), expected);
});

test('the code that runs is the same, and nothing is changed by looking', async (t) => {
  const { client, location } = await begun(t);
  const text = `module.exports = (runtime) =>
    require(${JSON.stringify(path.join(__dirname, 'support', 'changes.js'))}).register(runtime, 'before');`;
  const before = [];
  for await (const history of client.exportHistories()) before.push(history);
  const { code, stdout, stderr } = await command(['--code', written(t, text)], {
    DUROXIDE_STORE: location,
  });
  assert.equal(stderr, '');
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^\d+ checked: (\d+) same, 0 differ, 0 diverge, 0 without code$/m);
  const after = [];
  for await (const history of client.exportHistories()) after.push(history);
  assert.deepEqual(after, before);
});

test('what differs, and missing code, count only where that is asked for', async (t) => {
  const { location } = await begun(
    t,
    (runtime) => {
      register(runtime, 'before');
      runtime.registerOrchestration('Gone', function* (ctx) {
        yield ctx.waitForEvent('go');
      });
    },
    ['another input', 'nothing', 'Gone'],
  );
  const args = ['--code', AFTER, '--store', 'env:OURS'];
  const env = { OURS: location };
  assert.equal((await command(args, env)).code, 0);
  const strict = await command([...args, '--strict'], env);
  assert.equal(strict.code, 1);
  assert.match(strict.stdout, /^Gone 1\.0\.0: 1 without code$/m);
  assert.match(strict.stdout, /1 differ since event 2 at .*changes\.js/);
  assert.match(strict.stdout, /^3 checked: 1 same, 1 differ, 0 diverge, 1 without code$/m);
  const one = await command([...args, '--strict', '--name', 'nothing'], env);
  assert.match(one.stdout, /^1 checked/m);
  assert.equal(one.code, 0);
  const named = await command(
    [...args, '--instance', 'another input', '--instance', 'nobody'],
    env,
  );
  assert.match(named.stdout, /^1 checked: 0 same, 1 differ.*; 1 were deleted meanwhile$/m);
});

test('code that starts a runtime is told where that belongs', async (t) => {
  const { location } = await begun(t, undefined, ['nothing']);
  const file = written(
    t,
    `const { Runtime, SqliteProvider } = require('duroxide');
     module.exports = (runtime) => {};
     SqliteProvider.inMemory().then((store) => new Runtime(store).start());`,
  );
  const { code, stderr } = await command(['--code', file, '--store', location]);
  assert.notEqual(code, 0);
  assert.match(stderr, /this code is only checked: export what registers it/);
});

test('modules of either kind are taken', async (t) => {
  const { location } = await begun(
    t,
    (runtime) => {
      runtime.registerOrchestration('Order', function* (ctx) {
        yield ctx.waitForEvent('go');
      });
    },
    ['Order'],
  );
  const code = "function* (ctx) { yield ctx.waitForEvent('go'); }";
  const defined = `defineOrchestration('Order').implement(${code})`;
  for (const [name, text] of [
    ['a.js', `module.exports.order = require('duroxide').${defined};`],
    ['b.mjs', `import duroxide from 'duroxide';\nexport const order = duroxide.${defined};`],
    ['c.mjs', `export default (runtime) => { runtime.registerOrchestration('Order', ${code}); };`],
    [
      'd.mjs',
      `export function register(runtime) { runtime.registerOrchestration('Order', ${code}); }`,
    ],
  ]) {
    const text2 = text.replace(
      "from 'duroxide'",
      `from ${JSON.stringify(path.join(__dirname, '..', 'lib', 'duroxide.js'))}`,
    );
    const found = await command(['--code', written(t, text2, name), '--store', location]);
    assert.equal(found.code, 0, `${name}: ${found.stderr}`);
    assert.match(found.stdout, /^1 checked: 1 same/m, name);
  }
});

test('what cannot be tried says why, with another exit code', async (t) => {
  const folder = temporaryFolder(t);
  const missing = path.join(folder, 'none.db');
  for (const [args, message] of [
    [[], /say which code: --code <file>/],
    [['--code', AFTER], /say which store: --store/],
    [['--code', AFTER, '--store', 'env:NOT_THERE_AT_ALL'], /no variable NOT_THERE_AT_ALL/],
    [['--code', path.join(folder, 'no.js'), '--store', missing], /there is no file .*no\.js/],
    [['--code', AFTER, '--store', missing], /there is no database file .*none\.db/],
    [['--code', written(t, 'exports.x = 1;'), '--store', missing], /exports no code/],
    [['--code', AFTER, '--nonsense'], /unknown option '--nonsense'/],
  ]) {
    const { code, stdout, stderr } = await command(args, { DUROXIDE_STORE: '' });
    assert.equal(code, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, message);
  }
  assert.equal(fs.existsSync(missing), false);
});

test('held instances are known apart, from a store and from a file', async (t) => {
  const { provider, place } = await openStore(t);
  const client = new Client(provider);
  const run = async (codeId, name) => {
    const options = { onNondeterminism: 'hold', codeId };
    const runtime = makeRuntime(provider, { options });
    runtime.registerActivity('a', () => 1);
    runtime.registerActivity('b', () => 1);
    runtime.registerOrchestration('Order', function* (ctx) {
      yield ctx.scheduleActivity(name);
      yield ctx.waitForEvent('go');
    });
    await runtime.start();
    return runtime;
  };
  const good = await run('good', 'a');
  await client.startOrchestration('order', 'Order');
  await untilWaiting(client, 'order');
  await good.shutdown();
  const broken = await run('broken', 'b');
  await client.raiseEvent('order', 'go');
  while (!(await client.getStatus('order')).held) await new Promise((r) => setImmediate(r));
  await broken.shutdown();
  const file = path.join(temporaryFolder(t), 'all.ndjson');
  fs.writeFileSync(file, await client.exportHistory('order'));
  const code = (name) =>
    written(
      t,
      `module.exports = (runtime) => runtime.registerOrchestration('Order', function* (ctx) {
         yield ctx.scheduleActivity('${name}'); yield ctx.waitForEvent('go');
       });`,
      `${name}.js`,
    );
  for (const store of [locationOf(place), file]) {
    const heals = await command(['--code', code('a'), '--store', store, '--strict']);
    assert.equal(heals.code, 0, heals.stderr);
    assert.match(heals.stdout, /^1 checked: 1 same, 0 differ, 0 diverge, 0 without code$/m);
    const stays = await command(['--code', code('b'), '--store', store]);
    assert.equal(stays.code, 0, stays.stderr);
    assert.match(stays.stdout, /^1 checked: 0 same, .*, 1 stay held$/m);
    const strict = await command(['--code', code('b'), '--store', store, '--strict', '--json']);
    assert.equal(strict.code, 1);
    assert.equal(JSON.parse(strict.stdout).held, 1);
  }
});

test('code is tried on the versions that it replaces', async (t) => {
  const code = "function* (ctx) { yield ctx.waitForEvent('go'); }";
  const { location } = await begun(
    t,
    (runtime) =>
      runtime.registerOrchestrationVersioned('Order', '1.1.0', function* (ctx) {
        yield ctx.waitForEvent('go');
      }),
    ['Order'],
  );
  for (const [replaces, found] of [
    ['>=1.0.0 <2.0.0', /^1 checked: 1 same/m],
    ['<1.1.0', /^1 checked: .* 1 without code$/m],
  ]) {
    const options = JSON.stringify({ replaces });
    const text = `module.exports = (runtime) =>
      runtime.registerOrchestrationVersioned('Order', '2.0.0', ${code}, ${options});`;
    const { stdout } = await command(['--code', written(t, text), '--store', location]);
    assert.match(stdout, found, replaces);
  }
});
