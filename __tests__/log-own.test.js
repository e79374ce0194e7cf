'use strict';

/** A log record goes to the logger of its runtime, once, and to no other. */

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');
const { failed, withStore } = require('./support/harness.js');

const MAIN = require.resolve('../lib/duroxide.js');

/** A logger that keeps `message [instance]` of each record. */
function keeper() {
  const lines = [];
  const keep = (fields, message) => lines.push(`${message} [${fields.instance_id ?? ''}]`);
  return { lines, logger: { error: keep, warn: keep, info: keep } };
}

/** A runtime whose work fails and says who it was. */
function failing(logger) {
  return {
    options: { logger, logLevel: 'info' },
    activities: {
      Fail(ctx) {
        ctx.traceInfo('in the activity');
        throw new Error('on purpose');
      },
    },
    orchestrations: {
      *Code(ctx) {
        ctx.traceInfo('in the code');
        yield ctx.scheduleActivity('Fail');
      },
    },
  };
}

test('runtimes on one store share no record', async (t) => {
  const h = await withStore(t);
  const loggers = [keeper(), keeper()];
  for (const { logger } of loggers) await h.start(failing(logger));
  const ids = await Promise.all(Array.from({ length: 12 }, () => h.launch('Code')));
  for (const id of ids) failed(await h.wait(id));
  await Promise.all(h.runtimes.map((runtime) => runtime.shutdown()));
  const all = loggers.flatMap(({ lines }) => lines);
  for (const message of [
    'in the code',
    'in the activity',
    'Activity failed (application error)',
    'Orchestration failed (application error)',
  ]) {
    const seen = all.filter((line) => line.startsWith(`${message} [`));
    assert.deepEqual(seen.sort(), ids.map((id) => `${message} [${id}]`).sort());
  }
  for (const { lines } of loggers) {
    for (const [code, engine] of [
      ['in the code', 'Orchestration failed (application error)'],
      ['in the activity', 'Activity failed (application error)'],
    ]) {
      const of = (message) => lines.filter((line) => line.startsWith(`${message} [`)).sort();
      assert.deepEqual(
        of(code).map((line) => line.slice(code.length)),
        of(engine).map((line) => line.slice(engine.length)),
        'what a runtime ran and what is said of it',
      );
    }
  }
});

test('runtimes that share a logger say everything once', async (t) => {
  const h = await withStore(t);
  const { lines, logger } = keeper();
  await h.start(failing(logger));
  await h.start(failing(logger));
  const id = await h.launch('Code');
  failed(await h.wait(id));
  await Promise.all(h.runtimes.map((runtime) => runtime.shutdown()));
  assert.equal(new Set(lines).size, lines.length, lines.join('\n'));
});

/** Runs a program with a store in memory and gives what it wrote to stdout and stderr. */
function outputOf(body) {
  const text = `
    const { Client, Runtime, SqliteProvider } = require(${JSON.stringify(MAIN)});
    (async () => {
      const store = await SqliteProvider.inMemory();
      const client = new Client(store);
      const serve = async (name, options) => {
        const runtime = new Runtime(store, options);
        runtime.registerOrchestration(name, function* (ctx) {
          ctx.traceInfo('code of ' + name);
          throw new Error('on purpose');
        });
        await runtime.start();
        return runtime;
      };
      const run = async (name) => {
        await client.startOrchestration(name, name);
        await client.waitForOrchestration(name);
      };
      const log = (fields, message) => console.log(message, fields.instance_id ?? '');
      const logger = { error: log, warn: log, info: log };
      ${body}
    })();`;
  const { DUROXIDE_LOG: _a, RUST_LOG: _b, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', text], {
    encoding: 'utf8',
    env,
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  return { stdout, stderr };
}

test('what a runtime without a logger says is not for the logger of another one', () => {
  const { stdout, stderr } = outputOf(`
    const plain = await serve('Plain', {});
    const owner = new Runtime(store, { logger, orchestrationConcurrency: 0, workerConcurrency: 0 });
    await owner.start();
    await run('Plain');
    await owner.shutdown();
    await plain.shutdown();
    await store.close();`);
  assert.equal(stdout, '');
  assert.match(stderr, /code of Plain/);
  assert.match(stderr, /Orchestration failed \(application error\) instance_id=Plain/);
});

test('what a runtime with a logger says is not for stderr, not even after its shutdown', () => {
  const { stdout, stderr } = outputOf(`
    const plain = new Runtime(store, { orchestrationConcurrency: 0, workerConcurrency: 0 });
    await plain.start();
    const owner = new Runtime(store, { logger });
    let begun;
    const running = new Promise((resolve) => { begun = resolve; });
    let go;
    const over = new Promise((resolve) => { go = resolve; });
    owner.registerActivity('Late', async (ctx) => {
      begun();
      await over;
      ctx.traceInfo('late');
    });
    owner.registerOrchestration('Own', function* (ctx) { yield ctx.scheduleActivity('Late'); });
    await owner.start();
    await client.startOrchestration('Own', 'Own');
    await running;
    await owner.shutdown(0);
    await plain.shutdown();
    go();
    await new Promise((resolve) => process.once('beforeExit', resolve));
    await store.close();`);
  assert.equal(stderr, '');
  assert.equal(stdout, 'late Own\n');
});

test('a line of JSON names the service of its own runtime', () => {
  const { stderr } = outputOf(`
    const options = (serviceName) => ({ logFormat: 'json', serviceName, serviceVersion: '7' });
    const shop = await serve('Shop', options('shop'));
    await run('Shop');
    await shop.shutdown();
    const bank = await serve('Bank', { serviceName: 'bank' });
    await run('Bank');
    await bank.shutdown();
    await store.close();`);
  const lines = stderr.trimEnd().split('\n').map(JSON.parse);
  assert.deepEqual(
    lines.map((line) => [
      line.fields.instance_id,
      line.service_name,
      line.service_version,
      line.fields.message,
    ]),
    [
      ['Shop', 'shop', '7', 'code of Shop'],
      ['Shop', 'shop', '7', 'Orchestration failed (application error)'],
      ['Bank', 'bank', undefined, 'code of Bank'],
      ['Bank', 'bank', undefined, 'Orchestration failed (application error)'],
    ],
  );
});

test('a logger whose promise rejects is named in one warning, and ends nothing', () => {
  const { stdout, stderr } = outputOf(`
    const rejects = async () => { throw new Error('no disk'); };
    const own = await serve('Own', { logger: { error: rejects, warn: rejects, info: rejects } });
    await run('Own');
    await own.shutdown();
    await store.close();
    console.log('alive');`);
  assert.equal(stdout, 'alive\n');
  const warnings = stderr.match(/the logger of a duroxide runtime threw: Error: no disk/g);
  assert.equal(warnings?.length, 1, stderr);
});
