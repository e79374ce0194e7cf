'use strict';

/** The throwaway PostgreSQL server of the tests themselves. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');
const { test } = require('node:test');
const { setTimeout: pause } = require('node:timers/promises');

const SCRIPT = path.join(__dirname, '..', 'scripts', 'postgres.js');
const NO_SERVER = 77;
/** It says where the server is, and ends with its input. */
const COMMAND = 'console.log(process.env.DATABASE_URL); process.stdin.resume()';

function start() {
  const { DATABASE_URL: _, ...env } = process.env;
  return spawn(process.execPath, [SCRIPT, process.execPath, '-e', COMMAND], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/** @returns {Promise<string | null>} where the server is, or null where there is none to be had */
async function urlOf(script) {
  const line = once(readline.createInterface({ input: script.stdout }), 'line');
  const end = once(script, 'exit');
  const [said] = await Promise.race([line, end]);
  if (typeof said === 'string') return said;
  assert.equal(said, NO_SERVER);
  return null;
}

function answers(url) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), hostname);
    socket.on('connect', () => socket.end(() => resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

async function goneWithin(url, ms) {
  const deadline = Date.now() + ms;
  while (await answers(url)) {
    assert.ok(Date.now() < deadline, `${url} answers ${ms} ms after the end of the script`);
    await pause(20);
  }
}

test('a server ends with the script that started it, even if that is killed', async (t) => {
  const script = start();
  const url = await urlOf(script);
  if (url === null) return t.skip('no PostgreSQL to start, see above');
  assert.equal(await answers(url), true);
  script.kill('SIGKILL');
  await once(script, 'exit');
  await goneWithin(url, 60000);
  script.stdin.end();
});

test('a server is gone when the script has ended, and its exit code is that of the command', async (t) => {
  const script = start();
  const url = await urlOf(script);
  if (url === null) return t.skip('no PostgreSQL to start, see above');
  assert.equal(await answers(url), true);
  script.stdin.end();
  assert.deepEqual(await once(script, 'exit'), [0, null]);
  assert.equal(await answers(url), false);
});
