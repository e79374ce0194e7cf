'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');

const CHANNEL = JSON.stringify(require.resolve('../lib/channel.js'));
const PACKAGE = JSON.stringify(require.resolve('../lib/duroxide.js'));
const BINARIES = process.env.DUROXIDE_NATIVE_PATH ?? path.join(__dirname, '..', 'build', 'Release');

/** A runtime whose activities never end. */
const PREAMBLE = `
  const channel = require(${CHANNEL});
  const runtime = channel.nextRuntime();
  channel.registerRuntime(runtime, {
    run: () => ({ steps: [[], []], outcome: null }),
    drop() {}, cancel() {}, activity: () => new Promise(() => {}),
  });
  const call = (kind, count) => channel.request('debug.call', { runtime, kind, count }, 'x');
`;

/**
 * Runs a script in a process of its own.
 *
 * @param {string} script
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
function run(script, options = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
    ...options,
  });
  return { status, signal, stdout, stderr };
}

describe('a process', () => {
  it('ends by itself when nothing is in flight', () => {
    const { status, signal } = run(`${PREAMBLE} channel.request('debug.echo', { text: '' });`);
    assert.deepEqual([status, signal], [0, null]);
  });

  it('waits for a request in flight', () => {
    const { stdout } = run(
      `${PREAMBLE} channel.request('debug.echo', { text: '' }, 'answer')
        .then(({ payload }) => console.log(payload));`,
    );
    assert.equal(stdout, 'answer\n');
  });

  it('is kept alive by hold() until release()', () => {
    const { status, stdout } = run(
      `${PREAMBLE} channel.hold();
      setTimeout(() => { console.log('held'); channel.release(); }, 50).unref();`,
    );
    assert.deepEqual([status, stdout], [0, 'held\n']);
  });

  it('may exit between and inside runs', () => {
    for (const exit of [
      "call('activity', 200); call('run', 2000); setImmediate(() => process.exit(7));",
      `call('activity', 50); let runs = 0;
       channel.registerRuntime(2, { run() { if (++runs > 30) process.exit(7);
         return { steps: [[], []], outcome: null }; }, drop() {}, cancel() {}, activity() {} });
       channel.request('debug.call', { runtime: 2, kind: 'run', count: 2000 }, 'x');`,
    ]) {
      for (let i = 0; i < 3; i++) {
        const { status, stderr } = run(PREAMBLE + exit);
        assert.equal(status, 7, stderr);
      }
    }
  });

  it('shows an exception of the driver as an uncaught one', () => {
    const { stdout } = run(
      `${PREAMBLE}
      process.on('uncaughtException', (error) => { console.log(error.message); process.exit(0); });
      channel.registerRuntime(runtime, { run: () => ({ steps: [[], []], outcome: null }),
        drop() { throw new Error('a bug of the driver'); }, cancel() {}, activity() {} });
      call('run', 1);`,
    );
    assert.equal(stdout, 'a bug of the driver\n');
  });

  it('survives a burst of signals', { skip: process.platform === 'win32' }, async () => {
    const child = spawn(process.execPath, [
      '-e',
      `${PREAMBLE}
      let n = 0, over = false;
      const work = async () => { while (!over) await call('run', 64); };
      work().then(() => { console.log('survived'); process.exit(0); });
      setTimeout(() => {
        for (const name of ['SIGWINCH', 'SIGUSR2', 'SIGHUP']) process.on(name, () => n++);
        console.log('ready');
      }, 50);
      process.on('SIGTERM', () => { over = true; });`,
    ]);
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const burst =
      "for (const end = Date.now() + 1500; Date.now() < end;) for (const name of ['SIGWINCH', 'SIGUSR2', 'SIGHUP']) process.kill(Number(process.argv[1]), name);";
    spawnSync(process.execPath, ['-e', burst, String(child.pid)]);
    child.kill('SIGTERM');
    const [status, signal] = await new Promise((resolve) =>
      child.once('close', (...end) => resolve(end)),
    );
    assert.deepEqual([status, signal, output], [0, null, 'ready\nsurvived\n']);
  });

  it('survives that nobody reads its log', { skip: process.platform === 'win32' }, () => {
    const script = `${PREAMBLE}
      channel.registerRuntime(runtime, { drop() {}, cancel() {}, activity() {},
        run(record) {
          for (let i = 0; i < 100; i++) channel.trace(record.token, 5, 3, 'x'.repeat(1000));
          return { steps: [[], []], outcome: null };
        } });
      call('run', 20).then(() => require('node:fs').writeFileSync(process.argv[1], 'done'));`;
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-')), 'result');
    const quoted = `"${process.execPath}" -e '${script.replaceAll("'", `'\\''`)}' "${file}" 2>&1`;
    spawnSync('/bin/sh', ['-c', `${quoted} | true`], { timeout: 60_000 });
    assert.equal(fs.readFileSync(file, 'utf8'), 'done');
    fs.rmSync(path.dirname(file), { recursive: true });
  });
});

describe('a worker thread', () => {
  it('that is terminated in the middle leaves its instances to others', (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-'));
    t.after(() => fs.rmSync(directory, { recursive: true }));
    const { status, stdout, stderr } = run(
      `const { SqliteProvider, Client, Runtime } = require(${PACKAGE});
      const { Worker } = require('node:worker_threads');
      const file = ${JSON.stringify(path.join(directory, 'store.db'))};
      const serve = async (stuck) => {
        const provider = await SqliteProvider.open(file);
        // Activities that never end must not take the slots of those that the test waits for.
        const runtime = new Runtime(provider, { logLevel: 'off', workerConcurrency: 10 });
        runtime.registerActivity('work', () => (stuck ? new Promise(() => {}) : 'done'));
        runtime.registerOrchestration('job', function* (ctx) {
          const first = yield ctx.scheduleActivity('quick', null);
          return first + (yield ctx.scheduleActivity('work', null));
        });
        runtime.registerActivity('quick', () => 'half ');
        await runtime.start();
        return { provider, runtime };
      };
      const source = \`
        const { SqliteProvider, Runtime } = require(${PACKAGE});
        const { parentPort } = require('node:worker_threads');
        const file = \${JSON.stringify(file)};
        (\${serve})(true).then(() => parentPort.postMessage('up'));\`;
      (async () => {
        const provider = await SqliteProvider.open(file);
        const client = new Client(provider);
        const worker = new Worker(source, { eval: true });
        await new Promise((resolve) => worker.once('message', resolve));
        for (let i = 0; i < 5; i++) await client.startOrchestration('i' + i, 'job', null);
        for (;;) {
          const events = await client.readExecutionHistory('i0', 1);
          if (events.some((event) => event.kind === 'ActivityCompleted')) break;
        }
        await worker.terminate();
        const other = await serve(false);
        for (let i = 0; i < 5; i++) {
          console.log((await client.waitForOrchestration('i' + i, 50000)).output);
        }
        await other.provider.close();
        await provider.close();
      })();`,
    );
    assert.deepEqual([status, stdout], [0, 'half done\n'.repeat(5)], stderr);
  });
});

describe('closing', () => {
  it('fails what is in flight, may be repeated, and makes later requests fail', () => {
    const { stdout, stderr } = run(
      `${PREAMBLE}
      call('activity', 5).catch((error) => console.log(error.code));
      channel.request('debug.echo', { text: '' }).then(async () => {
        channel.close();
        channel.close();
        await channel.request('debug.echo', { text: '' }).catch((e) => console.log(e.code));
        console.log(channel.isCancelled(1), channel.metrics(1));
      });`,
    );
    assert.equal(stdout, 'HOST_GONE\nHOST_GONE\nfalse null\n', stderr);
  });
});

const noAddon =
  process.env.DUROXIDE_ENGINE === 'process' && 'the engine is a process: no addon is loaded';

describe('loading', { skip: noAddon }, () => {
  const load = (directory) =>
    run(
      `require(${CHANNEL}).request('debug.echo', { text: '' })
        .then(() => console.log('loaded'), (e) => console.log(e.code + ': ' + e.message));`,
      { env: { ...process.env, DUROXIDE_NATIVE_PATH: directory } },
    ).stdout;

  it('a missing binary is named', () => {
    const directory = path.join(os.tmpdir(), 'duroxide-is-not-here');
    assert.match(load(directory), /^NATIVE_LOAD_FAILED: cannot load .*duroxide-is-not-here/);
  });

  it('a file that is no engine is refused', (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-'));
    t.after(() => fs.rmSync(directory, { recursive: true }));
    for (const name of fs.readdirSync(BINARIES).filter((file) => /^(lib)?duroxide\./.test(file))) {
      fs.copyFileSync(path.join(BINARIES, name), path.join(directory, name));
      if (!name.endsWith('.node')) fs.writeFileSync(path.join(directory, name), 'no library');
    }
    assert.match(load(directory), /^NATIVE_LOAD_FAILED: /);
  });

  it('a wrong version is refused, and every version is named', (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-'));
    t.after(() => fs.rmSync(directory, { recursive: true }));
    // A copy of lib/ beside another package.json is an installation of another version.
    fs.cpSync(path.join(__dirname, '..', 'lib'), path.join(directory, 'lib'), { recursive: true });
    fs.writeFileSync(path.join(directory, 'package.json'), '{ "version": "9.9.9" }');
    const { stdout } = run(
      `require(${JSON.stringify(path.join(directory, 'lib', 'channel.js'))})
        .request('debug.echo', {}).catch((e) => console.log(e.code + ': ' + e.message));`,
      { env: { ...process.env, DUROXIDE_NATIVE_PATH: BINARIES } },
    );
    const { version } = require('../package.json');
    assert.match(stdout, /^VERSION_MISMATCH: duroxide 9\.9\.9 found an engine of version /);
    assert.ok(stdout.includes(version));
  });

  it('a module that is loaded again has a host of its own', () => {
    const { stdout } = run(
      `const first = require(${CHANNEL});
      for (const name of Object.keys(require.cache)) delete require.cache[name];
      const second = require(${CHANNEL});
      Promise.all([first, second].map((channel) => channel.request('debug.echo', { text: '' }, 'x')))
        .then((answers) => console.log(first !== second, answers.length));`,
    );
    assert.equal(stdout, 'true 2\n');
  });

  it('two copies of the engine are warned of', (t) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-'));
    t.after(() => fs.rmSync(directory, { recursive: true }));
    for (const name of fs.readdirSync(BINARIES).filter((file) => /^(lib)?duroxide\./.test(file))) {
      fs.copyFileSync(path.join(BINARIES, name), path.join(directory, name));
    }
    const { stdout, stderr } = run(
      `const first = require(${CHANNEL});
      const echo = (channel) => channel.request('debug.echo', { text: '' }, 'x');
      echo(first).then(() => {
        for (const name of Object.keys(require.cache)) delete require.cache[name];
        process.env.DUROXIDE_NATIVE_PATH = ${JSON.stringify(directory)};
        return echo(require(${CHANNEL}));
      }).then(({ payload }) => console.log(payload));`,
    );
    assert.equal(stdout, 'x\n', stderr);
    assert.match(stderr, /DUROXIDE_TWO_COPIES/);
  });
});
