'use strict';

/** What `npm test` does with a command whose time is over, or that leaves something running. */

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');
const { TIME_OVER, runCommand } = require('../scripts/command.js');

const skip = process.platform === 'win32' && 'process groups and `ps` are those of POSIX systems';

/** A process that lives until it is killed, and tells its id. */
const LIVES = `console.log('pid', process.pid); setInterval(() => {}, 1000);`;
const START = `const { spawn } = require('node:child_process');
  const start = (code, options) => spawn(process.execPath, ['-e', code], { stdio: 'inherit', ...options });`;

/** Runs a script of Node.js, and gives what `heard` is to be waited for, and the rest. */
function run(script) {
  const time = new AbortController();
  let said = '';
  let hear = () => {};
  const code = runCommand([process.execPath, '-e', script], {
    time: time.signal,
    endingMs: 500,
    collect(text) {
      said += text;
      hear();
    },
  });
  const pids = () => Array.from(said.matchAll(/^pid (\d+)$/gm), ([, pid]) => Number(pid));
  const processes = async (count) => {
    while (pids().length < count) {
      await new Promise((resolve) => {
        hear = resolve;
      });
    }
    return pids();
  };
  return { code, processes, said: () => said, endTime: () => time.abort() };
}

/** Whether a process runs. One that has ended and that nobody has asked about does not. */
function isAlive(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return /^[^Z\s]/.test(stdout);
}

test('a command whose time is over is shown with all that it has started, and ended', {
  skip,
}, async () => {
  const command = run(`${START} ${LIVES}
    start(${JSON.stringify(`${START} ${LIVES} start(${JSON.stringify(LIVES)})`)});`);
  const pids = await command.processes(3);
  process.kill(pids[2], 'SIGSTOP'); // does not hear that it should end
  command.endTime();
  assert.equal(await command.code, TIME_OVER);
  assert.match(command.said(), /its time is over, but there still is/);
  for (const pid of pids) {
    assert.match(command.said(), new RegExp(`^ +${pid}, for [\\d:-]+: \\S+ -e`, 'm'));
    assert.equal(isAlive(pid), false, `process ${pid} is still there`);
  }
});

test('what a command has started in groups of their own ends with it', { skip }, async () => {
  const command = run(`${START} ${LIVES} start(${JSON.stringify(LIVES)}, { detached: true });`);
  const pids = await command.processes(2);
  command.endTime();
  assert.equal(await command.code, TIME_OVER);
  assert.deepEqual(pids.map(isAlive), [false, false]);
});

test('what a command leaves running is shown and ended, and its code stays', { skip }, async () => {
  const command = run(`${START}
    start(${JSON.stringify(LIVES)}, { stdio: ['ignore', 'pipe', 'ignore'] })
      .stdout.once('data', (pid) => { process.stdout.write(pid); process.exit(3); });`);
  const [pid] = await command.processes(1);
  assert.equal(await command.code, 3);
  assert.match(command.said(), new RegExp(`it has ended, but there still is\\n +${pid}, `));
  assert.equal(isAlive(pid), false);
});

test('the test files that have not ended are named', { skip }, async () => {
  const command = run(`${START}
    spawn(process.execPath, ['-e', ${JSON.stringify(LIVES)}, 'slow.test.js'], { stdio: 'inherit' });
    ${LIVES}`);
  await command.processes(2);
  command.endTime();
  assert.equal(await command.code, TIME_OVER);
  assert.match(command.said(), /^unfinished: slow\.test\.js$/m);
});

test('a command that ends in time is left alone', async () => {
  const command = run(`console.log('done'); process.exitCode = 7;`);
  assert.equal(await command.code, 7);
  assert.equal(command.said(), 'done\n');
});

test('a command that is not there is a failure', async () => {
  const said = [];
  const { signal } = new AbortController();
  const collect = (text) => said.push(text);
  assert.equal(await runCommand(['no such program'], { time: signal, collect }), 1);
  assert.match(said.join(''), /^no such program: .*ENOENT/);
});
