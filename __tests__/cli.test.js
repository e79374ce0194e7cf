'use strict';

/** The command line beside an application: what it shows and does, and how it ends. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { EXIT, application, begin, run } = require('./support/command.js');
const { makeRuntime } = require('./support/harness.js');
const { restoreFile } = require('./support/saved-store.js');
const shop = require('./support/shop.js');
const { temporaryFolder } = require('./support/store.js');
const { SqliteProvider } = require('../lib/duroxide.js');
const { version } = require('../package.json');

/** Outputs without what differs from run to run. */
function settledText(text) {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/\b\d+(s|m)( ago)?\b/g, '<age>$2')
    .replaceAll(/\b\d+ bytes/g, '<n> bytes')
    .replaceAll(/\b\d+ of \d+ migrations/g, '<n> of <n> migrations');
}

/** The words of a line, with quotes as a shell takes them. */
function words(line) {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
}

test('the commands in the document print what it says', async (t) => {
  const { client, ended } = await application(t);
  await shop.begin(client);
  const text = fs.readFileSync(path.join(__dirname, '..', 'docs', 'cli.md'), 'utf8');
  const blocks = [...text.matchAll(/^```console\n([\s\S]*?)^```/gm)].map(([, block]) => block);
  const shown = blocks.flatMap((block) => block.split(/^\$ npx duroxide /m).slice(1));
  assert.ok(shown.length >= 10, `${shown.length}`);
  for (const one of shown) {
    const [line, ...output] = one.split('\n');
    const args = words(line);
    // As at a terminal.
    const { stdout, stderr } = await ended([...args, '--no-json']);
    assert.equal(settledText(stderr + stdout), settledText(output.join('\n')), line);
    if (args[0] === 'start') await shop.settled(client, args[2], 'event');
  }
});

test('what is listed and described is what the API gives', async (t) => {
  const { client, duroxide, json, ended } = await application(t);
  await shop.begin(client);
  assert.deepEqual(await json('list'), await client.listInstances());
  const page = await json('list', '--limit', '2', '--status', 'running');
  assert.deepEqual(page, await client.listInstances({ limit: 2, status: 'Running' }));
  const rest = await json('list', '--after', page.next, '--status', 'Running');
  assert.equal(rest.instances.length, 2);
  const all = (await duroxide('list', '--all', '--name', 'Order')).trim().split('\n');
  assert.deepEqual(
    all.map((line) => JSON.parse(line).instanceId),
    ['delivery-1-order', 'order-2', 'order-1'],
  );
  assert.deepEqual((await json('list', '--created-before', '2020-01-31')).instances, []);
  assert.deepEqual((await json('list', '--created-from', '15m')).instances.length, 5);

  assert.deepEqual(await json('describe', 'order-1'), await client.describe('order-1'));
  const tree = await json('tree', 'delivery-1');
  assert.deepEqual(
    tree.children.map(({ instanceId }) => instanceId),
    ['delivery-1-order'],
  );
  const events = (await duroxide('history', 'order-2'))
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l));
  const recorded = await client.readExecutionHistory('order-2', 1);
  assert.deepEqual(
    events.map(({ execution, ...event }) => event),
    JSON.parse(JSON.stringify(recorded)),
  );

  const stats = await json('stats');
  assert.equal(stats.totalInstances, 5);
  assert.equal(stats.failedInstances, 1);
  assert.deepEqual(await json('stats', '--by', 'name', 'status'), {
    ...(await client.countInstances({}, ['name', 'status'])),
  });
  const failed = await client.listInstances({ failure: 'application', orderBy: 'id' });
  assert.equal(failed.instances.length, 1);
  assert.deepEqual(await json('list', '--failure', 'application', '--order-by', 'id'), failed);
  assert.deepEqual((await json('list', '--held')).instances, []);
  assert.deepEqual(await json('stats', 'order-1'), await client.getOrchestrationStats('order-1'));
  const { runtimes, unserved } = await json('health');
  assert.equal(runtimes.length, 1);
  assert.deepEqual(
    unserved.map(({ name }) => name),
    ['Oder'],
  );
  assert.equal((await ended(['health', '--check'])).code, EXIT.failed);
  const [first, second] = (await duroxide('top', '--count', '2', '--interval', '10ms'))
    .trim()
    .split('\n');
  assert.equal(JSON.parse(first).runningInstances, 4);
  assert.equal(JSON.parse(second).eventsPerSecond, 0);
});

test('an instance is started, told things, and followed to its end', async (t) => {
  const { client, json, ended, env } = await application(t, (runtime) => {
    runtime.registerOrchestration('Rounds', function* (ctx, n) {
      const word = yield ctx.waitForEvent('go');
      if (n > 0) return yield ctx.continueAsNew(n - 1);
      return { word, message: yield ctx.dequeueEvent('jobs') };
    });
    runtime.registerOrchestration('Fails', function* () {
      throw new Error('no');
    });
  });
  const file = path.join(temporaryFolder(t), 'input.json');
  fs.writeFileSync(file, '1');
  assert.deepEqual(await json('start', 'Rounds', 'r', `@${file}`), {
    instanceId: 'r',
    status: 'Running',
  });
  const refused = await ended(['start', 'Rounds', 'r', '1', '--if-new']);
  assert.equal(refused.code, EXIT.failed);
  await shop.settled(client, 'r', 'event');
  const follower = begin(['history', 'r', '--follow'], env);
  let stdout = '';
  follower.stdout.setEncoding('utf8').on('data', (part) => {
    stdout += part;
  });
  // It begins with the execution that is the current one then.
  await once(follower.stdout, 'data');
  const closed = once(follower, 'close');
  assert.deepEqual(await json('raise', 'r', 'go', '"first"'), {
    instanceId: 'r',
    status: 'Running',
  });
  while ((await client.getInstanceInfo('r')).currentExecutionId < 2);
  await shop.settled(client, 'r', 'event');
  await json('raise', 'r', 'go', '"second"');
  const sent = await ended(['enqueue', 'r', 'jobs', '-', '--key', 'k'], '{"a":[1]}');
  assert.equal(JSON.parse(sent.stdout).duplicate, false);
  assert.deepEqual((await client.waitForOrchestration('r', 60_000)).output, {
    word: 'second',
    message: { a: [1] },
  });
  const [code] = await closed;
  assert.equal(code, EXIT.done);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const of = (n) => events.filter(({ execution }) => execution === n).map(({ eventId }) => eventId);
  for (const n of [1, 2]) {
    const recorded = await client.readExecutionHistory('r', n);
    assert.deepEqual(
      of(n),
      recorded.map(({ eventId }) => eventId),
    );
  }

  const failed = await ended(['start', 'Fails', 'f', '--wait']);
  assert.equal(failed.code, EXIT.failed);
  assert.match(JSON.parse(failed.stdout).error, /no/);
  assert.equal((await ended(['raise', 'nobody', 'go'])).code, EXIT.notFound);
});

test('an instance is followed while its next execution waits for code', async (t) => {
  const { provider, client, env } = await application(t, (runtime) => {
    runtime.registerOrchestration('Grows', function* (ctx) {
      return yield ctx.continueAsNewVersioned(null, '2.0.0');
    });
  });
  await client.startOrchestration('g', 'Grows');
  while ((await client.getInstanceInfo('g')).status !== 'ContinuedAsNew');
  const follower = begin(['history', 'g', '--follow'], env);
  const closed = once(follower, 'close');
  const first = once(follower.stdout, 'data');
  let stdout = '';
  follower.stdout.setEncoding('utf8').on('data', (part) => {
    stdout += part;
  });
  await first;
  const runtime = makeRuntime(provider);
  runtime.registerOrchestrationVersioned('Grows', '2.0.0', function* () {
    return 'grown';
  });
  await runtime.start();
  t.after(() => runtime.shutdown());
  const [code] = await closed;
  assert.equal(code, EXIT.done);
  assert.match(stdout, /"execution":2.*grown/);
});

test('what ends instances says who asked, and asks first', async (t) => {
  const { client, json, ended } = await application(t);
  await shop.begin(client);
  const before = await client.listInstances();
  for (const args of [
    ['cancel', 'order-1'],
    ['terminate', '--status', 'running'],
    ['retry', 'order-2'],
    ['delete', '--status', 'failed'],
    ['prune', 'order-1', '--keep-last', '1'],
  ]) {
    const { code, stdout, stderr } = await ended(args);
    assert.equal(code, EXIT.usage, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /^would [\s\S]*order-[12]\n[\s\S]*say --yes, or --dry-run\n$/);
    const shown = await ended([...args, '--dry-run']);
    assert.equal(shown.code, EXIT.done);
  }
  assert.deepEqual(await client.listInstances(), before);
  // Nobody means all by mistake.
  for (const name of ['cancel', 'terminate', 'retry', 'delete']) {
    const { code, stderr } = await ended([name, '--yes']);
    assert.equal(code, EXIT.usage);
    assert.match(stderr, /say which instances/);
  }

  const by = os.userInfo().username;
  await json('cancel', 'order-1', '--reason', 'no stock', '--yes');
  const { error } = await client.waitForOrchestration('order-1', 60_000);
  assert.equal(error, `canceled: no stock, by ${by}`);
  await json('terminate', '--id-prefix', 'delivery-1', '--yes');
  const stopped = await client.waitForOrchestration('delivery-1', 60_000);
  assert.equal(stopped.error, `terminated: from the command line, by ${by}`);
  assert.deepEqual(await json('retry', 'order-2', '--reason', 'new card', '--yes'), {
    done: 1,
    failed: [],
  });
  await client.waitForOrchestration('order-2', 60_000);
  assert.match(
    await client.exportHistory('order-2'),
    new RegExp(`"new card".*"${by}"|"${by}".*"new card"`),
  );

  const none = await ended(['retry', 'order-2', 'nobody', '--yes', '--no-json']);
  assert.equal(none.code, EXIT.notFound);
  assert.match(none.stdout, /^taken up again 1, 1 refused\n {2}nobody: /);
  await client.waitForOrchestration('order-2', 60_000);
  const deleted = await json('delete', '--status', 'failed', '--yes');
  assert.equal(deleted.done, 3);
  assert.equal(deleted.instancesDeleted, 4);
  assert.deepEqual(await client.listAllInstances(), ['order-3']);
  assert.equal((await ended(['delete', 'order-3', '--yes'])).code, EXIT.failed);
  await json('delete', 'order-3', '--force', '--yes');
  assert.equal((await ended(['delete', 'order-3', '--yes'])).code, EXIT.notFound);
});

test('schedules are listed and operated', async (t) => {
  const { client, json, ended } = await application(t);
  await client.schedule('nightly', {
    cron: '0 2 * * *',
    orchestration: 'Order',
    input: { card: 'good' },
  });
  await json('schedules', 'pause', 'nightly', '--reason', 'holiday');
  const [found] = await json('schedules', 'list', '--id-prefix', 'night');
  assert.equal(found.stage, 'paused');
  assert.equal(found.paused.note, `holiday, by ${os.userInfo().username}`);
  await json('schedules', 'resume', 'nightly');
  const { instanceId } = await json('schedules', 'trigger', 'nightly', '{"card":"expired"}');
  const { error } = await client.waitForOrchestration(instanceId, 60_000);
  assert.match(error, /card declined/);
  const described = await json('schedules', 'describe', 'nightly');
  assert.equal(described.nextTicks.length, 10);
  assert.equal(described.lastRuns[0].instanceId, instanceId);
  const told = await ended(['schedules', 'describe', 'nightly', '--no-json']);
  assert.match(told.stdout, /^when +0 2 \* \* \* UTC$/m);
  assert.equal((await ended(['schedules', 'delete', 'nightly'])).code, EXIT.usage);
  await json('schedules', 'delete', 'nightly', '--yes');
  assert.deepEqual(await json('schedules', 'list'), []);
  assert.equal((await ended(['schedules', 'describe', 'nightly'])).code, EXIT.notFound);
});

test('text of a store does not steer the terminal', async (t) => {
  const evil = 'a\u001b]0;owned\u0007\u202egnp.exe\u2066';
  const { client, duroxide } = await application(t, (runtime) => {
    runtime.registerOrchestration(evil, function* (ctx) {
      yield ctx.waitForEvent(evil);
      throw new Error(evil);
    });
  });
  await client.startOrchestration(evil, evil);
  await shop.settled(client, evil, 'event');
  const look = async () => {
    for (const args of [
      ['list'],
      ['describe', evil],
      ['history', evil],
      ['tree', evil],
      ['top', '--count', '1'],
    ]) {
      const text = await duroxide(...args, '--no-json');
      assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u, args[0]);
      if (args[0] !== 'top')
        assert.match(
          text,
          /a\\u(\{1b\}|001b)\]0;owned\\u(\{7\}|0007)\\u\{202e\}gnp\.exe\\u\{2066\}/,
        );
    }
  };
  await look();
  await client.raiseEvent(evil, evil);
  await client.waitForOrchestration(evil, 60_000);
  await look();
  const { stderr } = await run(['describe', `${evil}!`], { DUROXIDE_STORE: '/dev/null/no.db' });
  assert.doesNotMatch(stderr.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
});

test('a store is exported, copied, and looked at', async (t) => {
  const { client, json, ended, env } = await application(t);
  await shop.begin(client);
  const folder = temporaryFolder(t);
  const file = path.join(folder, 'histories.ndjson');
  assert.equal((await json('export', '--status', 'running', '--output', file)).instances, 4);
  assert.equal(fs.statSync(file).mode & 0o77, 0);
  const other = ['--store', path.join(folder, 'other.db')];
  await (await SqliteProvider.open(other[1])).close();
  const imported = await run(['import', file, ...other]);
  assert.equal(imported.code, EXIT.done, imported.stderr);
  const taken = JSON.parse(imported.stdout);
  assert.deepEqual([taken.instances.length, taken.skipped.length], [3, 1]);
  const there = JSON.parse((await run(['list', ...other])).stdout).instances;
  assert.deepEqual(
    there.map(({ imported }) => imported),
    [true, true, true],
  );
  const one = await ended(['export', 'order-1']);
  assert.equal(one.stdout, await client.exportHistory('order-1'));
  const again = await ended(['export', '--output', file]);
  assert.equal(again.code, EXIT.usage);
  assert.match(again.stderr, /file already exists/);

  const well = await ended(['doctor']);
  const found = JSON.parse(well.stdout);
  assert.equal(well.code, EXIT.failed);
  assert.equal(found.versions.duroxide, version);
  const wrong = found.findings.filter(({ ok }) => !ok);
  assert.deepEqual(
    wrong.map(({ what }) => what),
    ['work'],
  );
  await client.deleteInstance('order-3', true);
  assert.equal((await ended(['doctor'])).code, EXIT.done);

  const copy = path.join(folder, 'copy.db');
  const made = await ended(['backup', copy]);
  if (/^postgres/.test(env.DUROXIDE_STORE)) {
    assert.equal(made.code, EXIT.usage);
    assert.match(made.stderr, /pg_dump/);
    return;
  }
  assert.equal(made.code, EXIT.done, made.stderr);
  const listed = await run(['list', '--store', copy]);
  assert.equal(JSON.parse(listed.stdout).instances.length, 4);
  assert.equal((await ended(['backup', copy])).code, EXIT.store);
});

test('a reader that has had enough ends it quietly', async (t) => {
  const { client, env } = await application(t);
  await client.startOrchestration('order-1', 'Order', { card: 'good' });
  const child = begin(['top', '--interval', '1ms'], env, 'pipe');
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (part) => {
    complaint += part;
  });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await once(child, 'close');
  assert.equal(complaint, '');
  assert.equal(code, EXIT.done);
});

test('only migrate changes tables', async (t) => {
  const { file } = restoreFile(t, 'existing');
  const env = { DUROXIDE_STORE: file };
  const state = async () => JSON.parse((await run(['migrate'], env)).stdout);
  const { applied, known } = await state();
  assert.ok(applied < known);
  for (const args of [
    ['list'],
    ['start', 'A', 'a'],
    ['health'],
    ['doctor'],
    ['retry', 'a', '--yes'],
  ]) {
    const { code, stderr } = await run(args, env);
    assert.equal(code, EXIT.store, args[0]);
    assert.match(stderr, /earlier release \(number \d+ of \d+\).*npx duroxide migrate/);
  }
  assert.deepEqual(await state(), { applied, known });
  const printed = await run(['migrate', '--print'], env);
  assert.equal(printed.stdout, await SqliteProvider.migrationSql({ after: applied }));
  const asked = await run(['migrate', '--apply'], env);
  assert.equal(asked.code, EXIT.usage);
  assert.match(asked.stderr, new RegExp(`^would apply ${known - applied} migrations`));
  assert.deepEqual(await state(), { applied, known });
  assert.equal((await run(['migrate', '--apply', '--yes'], env)).code, EXIT.done);
  assert.deepEqual(await state(), { applied: known, known });
  assert.equal((await run(['list'], env)).code, EXIT.done);
});

test('what makes no sense says why, and no password is shown', async (t) => {
  const missing = path.join(temporaryFolder(t), 'none.db');
  const secret = 'postgres://me:hunter2@127.0.0.1:1/shop';
  for (const [args, code, message, env = {}] of [
    [['lsit'], EXIT.usage, /unknown command 'lsit'\n\(Did you mean list\?\)/],
    [['list'], EXIT.usage, /say which store/],
    [['list', '--store', 'env:NOT_THERE_AT_ALL'], EXIT.usage, /no variable NOT_THERE_AT_ALL/],
    [['list', '--store', missing], EXIT.store, /no database file/],
    [['start', 'A', 'a', '--store', missing], EXIT.store, /no database file/],
    [['migrate', '--apply', '--yes', '--store', missing], EXIT.store, /no database file/],
    [['start', 'A', 'a', '{', '--store', missing], EXIT.usage, /the input is no JSON/],
    [['start', 'A', 'a', '@/no/file', '--store', missing], EXIT.usage, /no such file/],
    [['list', '--limit', '0'], EXIT.usage, /whole number from 1 on/],
    [['list', '--created-from', 'soon'], EXIT.usage, /how long ago/],
    [['list', '--status', 'Sleeping'], EXIT.usage, /one of Running/],
    [['describe'], EXIT.usage, /missing required argument 'id'/],
    [['list', '--store', 'env:OURS'], EXIT.store, /Failed to connect/, { OURS: secret }],
    [
      ['list', '--store', 'env:OURS'],
      EXIT.usage,
      /cannot be read/,
      { OURS: 'postgres://me:hunter2@[/x' },
    ],
    [['list', `--stor=${secret}`], EXIT.usage, /unknown option/],
    [[secret], EXIT.usage, /unknown command/],
    [['describe', '', '--store', missing], EXIT.store, /no database file/],
  ]) {
    const found = await run(args, { DUROXIDE_STORE: '', ...env });
    assert.equal(found.code, code, `${args.join(' ')}: ${found.stderr}`);
    assert.match(found.stderr, message);
    assert.match(found.stderr, /^duroxide: /);
    assert.doesNotMatch(found.stdout + found.stderr, /hunter2/);
  }
  assert.equal(fs.existsSync(missing), false);
});

test('help and completion name every command', async () => {
  const { stdout: help } = await run(['--help']);
  const names = [...help.matchAll(/^ {2}([a-z-]+) .*\S {2,}\S/gm)].map(([, name]) => name);
  assert.ok(names.length > 20, `${names}`);
  const text = fs.readFileSync(path.join(__dirname, '..', 'docs', 'cli.md'), 'utf8');
  const scripts = await Promise.all(
    ['bash', 'zsh', 'fish'].map((shell) => run(['completion', shell])),
  );
  for (const name of names) {
    const own = await run([name, '--help']);
    assert.equal(own.code, EXIT.done);
    assert.match(own.stdout, new RegExp(`^Usage: duroxide ${name}\\b`));
    assert.ok(text.includes(`\`${name}`), `${name} is not in the document`);
    for (const { stdout } of scripts) assert.match(stdout, new RegExp(`\\b${name}\\b`));
  }
  assert.equal((await run(['--version'])).stdout, `${version}\n`);
});
