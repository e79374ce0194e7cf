'use strict';

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { PROGRAM_FILE } = require('../lib/platforms.js');
const { temporaryFolder } = require('./support/store.js');

/** The engine as a process of its own: DUROXIDE_ENGINE=process. */

const ROOT = path.join(__dirname, '..');
const PROGRAM = path.join(ROOT, 'build', 'Release', PROGRAM_FILE);
const skip =
  process.platform === 'win32'
    ? 'Windows has no such engine'
    : !fs.existsSync(PROGRAM) && 'the program is not built: node scripts/build.js --program';

/** What every program here begins with. */
const HEAD = `const { Client, Runtime, SqliteProvider } = require(${JSON.stringify(ROOT)});
  const { execFileSync } = require('node:child_process');
  const say = (...words) => console.log(words.join(' '));
  const engines = () => execFileSync('ps', ['-o', 'pid=,args=', '--ppid', process.pid])
    .toString().split('\\n').filter((line) => line.includes('duroxide-engine'))
    .map((line) => Number(line.trim().split(' ')[0]));
  const makeRuntime = (store, work) => {
    const runtime = new Runtime(store, { logLevel: 'off' });
    runtime.registerActivity('Work', work);
    runtime.registerOrchestration('One', function* (ctx) { return yield ctx.scheduleActivity('Work', 1); });
    return runtime;
  };
`;

const environment = (more) => ({ ...process.env, DUROXIDE_ENGINE: 'process', ...more });

/** Runs a program to its end. */
function run(text, { env = environment(), cwd = os.tmpdir() } = {}) {
  return spawnSync(process.execPath, ['-e', `${HEAD}(async () => {${text}})();`], {
    cwd,
    env,
    encoding: 'utf8',
  });
}

/** Starts a program; lines() gives what it prints. */
function begin(t, text, cwd) {
  const child = spawn(process.execPath, ['-e', `${HEAD}(async () => {${text}})();`], {
    cwd,
    env: environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  let waiting = () => {};
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    printed += chunk;
    waiting();
  });
  const until = async (pattern) => {
    for (;;) {
      const found = pattern.exec(printed);
      if (found) return found;
      await new Promise((resolve) => {
        waiting = resolve;
      });
    }
  };
  return { child, until };
}

/** Waits until no process has the number any more, or only a dead one does. */
async function gone(pid) {
  const isThere = () => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  while (isThere()) await new Promise((resolve) => setImmediate(resolve));
}

describe('the engine as a process of its own', { skip }, () => {
  it('runs workflows, and ends with its host', () => {
    const { stdout, stderr } = run(`
      const store = await SqliteProvider.open(':memory:');
      const runtime = makeRuntime(store, () => 'done');
      await runtime.start();
      const client = new Client(store);
      await client.startOrchestration('x', 'One', null);
      const { output } = await client.waitForOrchestration('x');
      say(output, engines().length);
      await runtime.shutdown();
      await store.close();`);
    assert.equal(stdout, 'done 1\n', stderr);
  });

  it('answers synchronous calls while its host is busy', () => {
    const { stdout, stderr } = run(`
      const store = await SqliteProvider.open(':memory:');
      const client = new Client(store);
      const runtime = makeRuntime(store, (ctx) => {
        client.cancelInstance('x', 'enough');
        return new Promise((resolve) => setTimeout(() => {
          // The record of the cancellation cannot be read in here.
          let rounds = 0;
          while (!ctx.isCancelled()) rounds++;
          say('cancelled');
          resolve();
        }, 0));
      });
      await runtime.start();
      await client.startOrchestration('x', 'One', null);
      const { status } = await client.waitForOrchestration('x');
      say(status, typeof runtime.metricsSnapshot());
      await runtime.shutdown();
      await store.close();`);
    assert.match(stdout, /^(cancelled\nFailed object|Failed object\ncancelled)\n$/, stderr);
  });

  it('leaves nothing behind when its host exits at once', (t) => {
    const folder = temporaryFolder(t);
    const env = environment({ TMPDIR: folder });
    const { status } = run(`await SqliteProvider.open(':memory:'); process.exit(3);`, { env });
    assert.equal(status, 3);
    assert.deepEqual(fs.readdirSync(folder), []);
  });

  it('is taken over from at once when its host is killed, and counts the attempt', async (t) => {
    const cwd = temporaryFolder(t);
    const first = begin(
      t,
      `const store = await SqliteProvider.open('killed.db');
      const runtime = makeRuntime(store, () => { say('began', engines()[0]); return new Promise(() => {}); });
      await runtime.start();
      await new Client(store).startOrchestration('x', 'One', null);`,
      cwd,
    );
    const engine = Number((await first.until(/began (\d+)/))[1]);
    first.child.kill('SIGKILL');
    await once(first.child, 'close');
    await gone(engine);
    const { stdout, stderr } = run(
      `const store = await SqliteProvider.open('killed.db');
      const runtime = makeRuntime(store, () => 'again');
      await runtime.start();
      const { output } = await new Client(store).waitForOrchestration('x', 20000);
      say(output);
      await runtime.shutdown();
      await store.close();`,
      { cwd },
    );
    assert.equal(stdout, 'again\n', stderr);
  });

  it('fails what waits when it is killed, and another one serves what comes then', () => {
    const { stdout, stderr } = run(
      `const store = await SqliteProvider.open('engine-killed.db');
      const client = new Client(store);
      await client.startOrchestration('x', 'One', null);
      const waiting = client.waitForOrchestration('x').catch(({ code, message }) => say(code, message));
      process.kill(engines()[0], 'SIGKILL');
      await waiting;
      await client.getStatus('x').catch(({ code }) => say(code));
      await store.close();
      const again = await SqliteProvider.open('engine-killed.db');
      await client.getStatus('x').catch(({ code }) => say(code));
      say((await new Client(again).getStatus('x')).status, engines().length);
      await again.close();`,
      { cwd: fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-')) },
    );
    const [killed, ...rest] = stdout.trim().split('\n');
    assert.match(
      killed,
      /^HOST_GONE the engine, a process of its own, has ended \(SIGKILL\)/,
      stderr,
    );
    assert.deepEqual(rest, ['CLOSED', 'CLOSED', 'Running 1']);
  });

  it('does not end unseen where a runtime is started', () => {
    const { stdout, status } = run(`
      process.on('uncaughtException', ({ code }) => { say('uncaught', code); process.exitCode = 7; });
      const store = await SqliteProvider.open(':memory:');
      await makeRuntime(store, () => 1).start();
      process.kill(engines()[0], 'SIGKILL');`);
    assert.equal(stdout, 'uncaught HOST_GONE\n');
    assert.equal(status, 7);
  });

  it('writes and reads texts larger than any buffer', () => {
    const { stdout, stderr } = run(`
      const channel = require(${JSON.stringify(path.join(ROOT, 'lib', 'channel.js'))});
      const text = 'é'.repeat(6 << 20);
      const answers = await Promise.all(
        ['', 'x', text, text].map((each) => channel.request('debug.echo', { text: '' }, each)));
      say(answers.map(({ payload }) => payload.length).join(), answers[3].payload === text);`);
    assert.equal(stdout, `0,1,${6 << 20},${6 << 20} true\n`, stderr);
  });
});

describe('an engine that cannot be a process', {
  skip: process.platform === 'win32' && skip,
}, () => {
  const opened = `await SqliteProvider.open(':memory:').then(() => say('opened'),
    ({ code, details, message }) => say(code, message.includes('Failed to open'), details?.nextStep));`;

  it('another word than library and process is refused', () => {
    const { stdout } = run(opened, { env: environment({ DUROXIDE_ENGINE: 'thread' }) });
    assert.match(stdout, /^INVALID_INPUT /);
  });

  it('is installed by a command that the error names', (t) => {
    const folder = temporaryFolder(t);
    for (const name of ['lib', 'package.json', 'index.d.ts']) {
      fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
    }
    const text = `const { SqliteProvider } = require(${JSON.stringify(folder)});
      const say = (...words) => console.log(words.join(' '));
      (async () => {${opened}})();`;
    const { stdout } = spawnSync(process.execPath, ['-e', text], {
      cwd: folder,
      env: environment({ DUROXIDE_NATIVE_PATH: '' }),
      encoding: 'utf8',
    });
    const { version } = require('../package.json');
    const name = `@duroxide/engine-${process.platform}-${process.arch}@${version}`;
    assert.equal(stdout, `NATIVE_NOT_FOUND false run "npm install ${name}"\n`);
  });

  it('must be executable, and of the same version', (t) => {
    const folder = temporaryFolder(t);
    const env = environment({ DUROXIDE_NATIVE_PATH: folder });
    const program = path.join(folder, PROGRAM_FILE);
    fs.writeFileSync(program, '#!/bin/sh\nexit 65\n', { mode: 0o644 });
    assert.match(run(opened, { env }).stdout, /^NATIVE_LOAD_FAILED false make it executable/);
    fs.chmodSync(program, 0o755);
    assert.match(run(opened, { env }).stdout, /^VERSION_MISMATCH false /);
  });
});
