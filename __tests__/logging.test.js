'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { logOptions } = require('../lib/trace.js');
const {
  completed,
  failed,
  temporaryFolder,
  withRuntime,
  withStore,
} = require('./support/harness.js');

const MAIN = path.join(__dirname, '..', 'lib', 'duroxide.js');

/** A program that traces on every level and has one failed activity, with `before` run first. */
function program(options, before = '') {
  return `
    const { Client, Runtime, SqliteProvider, initTracing } = require(${JSON.stringify(MAIN)});
    (async () => {
      ${before}
      const store = await SqliteProvider.inMemory();
      const runtime = new Runtime(store, ${JSON.stringify(options)});
      runtime.registerActivity('Shout', (ctx, text) => {
        for (const level of ['Debug', 'Info', 'Warn', 'Error']) ctx['trace' + level](text + ' ' + level);
      });
      runtime.registerActivity('Fail', () => { throw new Error('on purpose'); });
      runtime.registerOrchestration('Loud', function* (ctx) {
        ctx.traceDebug('code Debug');
        ctx.traceInfo('code Info');
        yield ctx.scheduleActivity('Shout', 'work');
        ctx.traceWarn('code Warn');
        ctx.traceError('code Error');
        try { yield ctx.scheduleActivity('Fail'); } catch {}
      });
      await runtime.start();
      const client = new Client(store);
      await client.startOrchestration('loud-1', 'Loud');
      const { status } = await client.waitForOrchestration('loud-1');
      if (status !== 'Completed') throw new Error(status);
      await runtime.shutdown();
      await store.close();
    })();`;
}

/** Runs a program and gives what it wrote to stderr; stdout must stay empty. */
function logOf(text, env = {}) {
  const { DUROXIDE_LOG: _a, RUST_LOG: _b, NO_COLOR: _c, ...clean } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', text], {
    encoding: 'utf8',
    env: { ...clean, ...env },
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '');
  return stderr;
}

/** The messages of lines in the text formats, of those that the program or its failure made. */
function messagesOf(log) {
  return [...log.matchAll(/(code|work) (Debug|Info|Warn|Error)|Activity failed/g)].map((m) => m[0]);
}

const FROM_INFO = [
  ['code Info', 'work Info', 'work Warn', 'work Error', 'code Warn', 'code Error'],
  ['Activity failed'],
].flat();

test('by default traces from info on and warnings of the engine go to stderr, without colours', () => {
  const log = logOf(program({}));
  assert.deepEqual(messagesOf(log), FROM_INFO);
  assert.equal(log.includes('\x1b'), false);
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/;
  for (const line of log.trimEnd().split('\n')) assert.match(line, time);
  assert.match(
    log,
    / INFO duroxide::orchestration: code Info instance_id=loud-1 execution_id=1 orchestration_name=Loud orchestration_version=1\.0\.0\n/,
  );
  assert.match(
    log,
    / {2}WARN duroxide::activity: work Warn instance_id=loud-1 .*activity_name=Shout activity_id=2 worker_id=\S+\n/,
  );
  assert.match(
    log,
    / {2}WARN duroxide::runtime: Activity failed \(application error\) .*activity_name=Fail .*error="Activity 'Fail' failed: Error: on purpose" stack="Error: on purpose\\n +at .*"\n/,
  );
});

test('a level is for traces; it never brings the routine of the engine, but it silences all', () => {
  const debug = logOf(program({ logLevel: 'debug' }));
  assert.equal(messagesOf(debug).length, 9);
  assert.doesNotMatch(debug, /Orchestration started|starting with provider/);
  assert.deepEqual(messagesOf(logOf(program({ logLevel: 'error' }))), ['work Error', 'code Error']);
  assert.equal(logOf(program({ logLevel: 'off' })), '');
});

test('DUROXIDE_LOG, or else RUST_LOG, replaces the filter', () => {
  const text = program({ logLevel: 'off' });
  const only = logOf(text, { RUST_LOG: 'duroxide::activity=error' });
  assert.deepEqual(messagesOf(only), ['work Error']);
  const both = logOf(text, { DUROXIDE_LOG: 'off,duroxide::orchestration=warn', RUST_LOG: 'trace' });
  assert.deepEqual(messagesOf(both), ['code Warn', 'code Error']);
  const engine = logOf(text, { DUROXIDE_LOG: 'duroxide::runtime=debug' });
  assert.match(engine, /duroxide runtime \(\S+\) starting with provider \S+ \(\S+\)/);
  assert.match(engine, /DEBUG duroxide::runtime: Orchestration started/);
  assert.equal(logOf(program({}), { RUST_LOG: '' }), '');
  const unreadable = logOf(program({ logLevel: 'error' }), { RUST_LOG: 'a=loud' });
  assert.deepEqual(messagesOf(unreadable), ['work Error', 'code Error']);
});

test('JSON lines hold texts, the target and the service', () => {
  const options = { logFormat: 'json', serviceName: 'shop', serviceVersion: '7.1' };
  const lines = logOf(program(options)).trimEnd().split('\n').map(JSON.parse);
  const line = lines.find(({ fields }) => fields.message === 'work Info');
  const { timestamp, fields, ...rest } = line;
  assert.equal(new Date(timestamp).toJSON().slice(0, 10), timestamp.slice(0, 10));
  assert.deepEqual(rest, {
    level: 'INFO',
    target: 'duroxide::activity',
    service_name: 'shop',
    service_version: '7.1',
  });
  const { worker_id: worker, ...known } = fields;
  assert.equal(typeof worker, 'string');
  assert.deepEqual(known, {
    message: 'work Info',
    instance_id: 'loud-1',
    execution_id: '1',
    orchestration_name: 'Loud',
    orchestration_version: '1.0.0',
    activity_name: 'Shout',
    activity_id: '2',
  });
  for (const one of lines) {
    for (const value of Object.values(one.fields)) assert.equal(typeof value, 'string');
  }
});

test('initTracing sends everything to a file, and the first sink of the process stays', (t) => {
  const file = path.join(temporaryFolder(t), 'trace.log');
  fs.writeFileSync(file, 'kept\n');
  const before = `
    const assert = require('node:assert');
    const options = { logFile: ${JSON.stringify(file)}, logLevel: 'warn' };
    initTracing(options);
    const taken = 'Failed to init tracing: a global default trace dispatcher has already been set';
    assert.throws(() => initTracing(options), { message: taken, code: 'INVALID_STATE' });
    const missing = { logFile: '/nonexistent-folder/trace.log' };
    assert.throws(() => initTracing(missing), /Failed to open log file '.nonexistent-folder.trace.log': /);
    assert.throws(() => initTracing(), TypeError);
    assert.throws(() => initTracing({}), /logFile must be a string, not undefined/);
    assert.throws(() => initTracing({ ...options, logFormat: 'xml' }), /logFormat must be one of/);
    assert.throws(() => initTracing({ ...options, logLevel: 'loud' }), /logLevel must be one of/);`;
  assert.equal(logOf(program({ logLevel: 'debug' }, before)), '');
  const log = fs.readFileSync(file, 'utf8');
  assert.ok(log.startsWith('kept\n'));
  assert.deepEqual(messagesOf(log), FROM_INFO.slice(2));
});

test('colours are for terminals, unless NO_COLOR says otherwise', (t) => {
  const wasTerminal = process.stderr.isTTY;
  const before = process.env.NO_COLOR;
  t.after(() => {
    process.stderr.isTTY = wasTerminal;
    if (before === undefined) delete process.env.NO_COLOR;
    else process.env.NO_COLOR = before;
  });
  delete process.env.NO_COLOR;
  process.stderr.isTTY = false;
  assert.equal(logOptions({}).colors, false);
  process.stderr.isTTY = true;
  assert.equal(logOptions({}).colors, true);
  process.env.NO_COLOR = '1';
  assert.equal(logOptions({}).colors, false);
});

/** A logger like pino's that keeps what it is given. */
function recorder() {
  const records = [];
  const logger = { records };
  for (const level of ['trace', 'debug', 'info', 'warn', 'error']) {
    logger[level] = (fields, message) => records.push({ level, fields, message });
  }
  return logger;
}

const setup = {
  activities: {
    Note: (ctx, text) => ctx.traceInfo(`note ${text}`),
    Fail() {
      throw new Error('on purpose');
    },
  },
  orchestrations: {
    *Traced(ctx, text) {
      ctx.traceDebug(`debug ${text}`);
      ctx.traceInfo(`begin ${text}`);
      yield ctx.scheduleActivity('Note', text);
      yield ctx.scheduleTimer(1);
      ctx.traceWarn(`end ${text}`);
    },
    *Failing(ctx) {
      yield ctx.scheduleActivity('Fail');
    },
  },
};

test('a logger takes the traces and the warnings of its runtime, with their fields', async (t) => {
  const logger = recorder();
  const options = { logger, logLevel: 'debug', serviceName: 'shop' };
  const h = await withRuntime(t, { ...setup, options });
  const id = await h.launch('Traced', 'it');
  completed(await h.wait(id));
  failed(await h.run('Failing'));
  await h.runtime.shutdown();
  const seen = logger.records.map(({ level, message }) => `${level}: ${message}`);
  assert.deepEqual(seen, [
    'debug: debug it',
    'info: begin it',
    'info: note it',
    'warn: end it',
    'warn: Activity failed (application error)',
    'warn: Orchestration failed (application error)',
  ]);
  assert.deepEqual(logger.records[1].fields, {
    target: 'duroxide::orchestration',
    service_name: 'shop',
    instance_id: id,
    execution_id: 1,
    orchestration_name: 'Traced',
    orchestration_version: '1.0.0',
  });
  const { activity_name: activity, duration_ms: took, error } = logger.records[4].fields;
  assert.equal(activity, 'Fail');
  assert.equal(typeof took, 'number');
  assert.match(error, /on purpose/);
});

test('loggers of two runtimes do not mix', async (t) => {
  const loggers = [recorder(), recorder()];
  const stores = await Promise.all(
    loggers.map((logger) => withRuntime(t, { ...setup, options: { logger, logLevel: 'info' } })),
  );
  await Promise.all(stores.map((h, n) => h.output('Traced', `of ${n}`)));
  for (const [n, h] of stores.entries()) {
    await h.runtime.shutdown();
    const seen = loggers[n].records.map(({ message }) => message);
    assert.deepEqual(seen, [`begin of ${n}`, `note of ${n}`, `end of ${n}`]);
  }
});

test('a logger that throws harms nothing, and one without debug gets these by info', async (t) => {
  const h = await withStore(t);
  const fail = () => {
    throw new Error('the disk is full');
  };
  const warned = new Promise((resolve) => process.once('warning', resolve));
  const broken = { error: fail, warn: fail, info: fail };
  await h.start({ ...setup, options: { logger: broken, logLevel: 'info' } });
  completed(await h.run('Traced', 'x'));
  assert.match((await warned).message, /the logger of a duroxide runtime threw: .*disk is full/);
  const lines = [];
  const info = (_fields, message) => lines.push(message);
  const logger = { error() {}, warn() {}, info };
  await h.restart({ ...setup, options: { logger, logLevel: 'debug' } });
  completed(await h.run('Traced', 'y'));
  await h.runtime.shutdown();
  assert.deepEqual(lines, ['debug y', 'begin y', 'note y']);
});

test('what is no logger is refused', async (t) => {
  const h = await withStore(t, { memory: true });
  const withLogger = (logger) => h.start({ options: { logger } });
  await assert.rejects(withLogger('stderr'), /options.logger must be an object/);
  await assert.rejects(withLogger({}), /options.logger.error must be a function, not undefined/);
});

test('replayed lines are not repeated: neither after an eviction nor after a restart', async (t) => {
  const h = await withStore(t);
  const logger = recorder();
  const code = {
    activities: { Step: (_ctx, n) => n },
    orchestrations: {
      *Long(ctx) {
        for (let i = 0; i < 20; i++) {
          ctx.traceInfo(`before ${i}`);
          yield ctx.scheduleActivity('Step', i);
          yield ctx.scheduleActivityWithRetry('Step', i, { maxAttempts: 2 });
          if (i === 10) {
            ctx.setCustomStatus('half');
            yield ctx.waitForEvent('go');
          }
        }
        ctx.traceInfo('end');
      },
    },
    options: { logger, logLevel: 'debug', evictAfterTurn: true },
  };
  await h.start(code);
  const id = await h.launch('Long');
  await h.until(id, 'half');
  await h.restart(code);
  await h.client.raiseEvent(id, 'go');
  completed(await h.wait(id));
  await h.runtime.shutdown();
  const expected = Array.from({ length: 20 }, (_, n) => `before ${n}`);
  assert.deepEqual(
    logger.records.map(({ message }) => message),
    [...expected, 'end'],
  );
});
