'use strict';

/** `npx duroxide ui`: the page of a store, for whoever has started it. */

const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const readline = require('node:readline');
const { test } = require('node:test');
const { Client } = require('../lib/duroxide.js');
const { openStore } = require('./support/store.js');
const { signIn } = require('./support/ui.js');

const COMMAND = path.join(__dirname, '..', 'bin', 'duroxide.js');

/** How a command names the store of a test. */
function locationOf({ file, url, schema }) {
  if (file !== undefined) return file;
  const location = new URL(url);
  location.searchParams.set('schema', schema);
  return location.href;
}

/** Runs the command until the test ends it, and gives its link. */
async function started(t, ...args) {
  const { provider, place } = await openStore(t);
  const client = new Client(provider);
  await client.startOrchestration('one', 'Nobody');
  const env = { ...process.env, DUROXIDE_STORE: locationOf(place) };
  const child = spawn(process.execPath, [COMMAND, 'ui', ...args], { env });
  t.after(() => child.kill('SIGKILL'));
  child.stderr.pipe(process.stderr);
  const [line] = await once(readline.createInterface(child.stdout), 'line');
  return { client, child, line };
}

test('the command prints the link, and ends with its signal', async (t) => {
  const { client, child, line } = await started(t);
  const { link } = JSON.parse(line);
  const { origin, hash } = new URL(link);
  const { visitor } = await signIn(origin, hash.replace('#token=', ''));
  assert.equal((await visitor.get('instances')).instances[0].instanceId, 'one');
  const { user, mayOperate } = await visitor.get('session');
  assert.deepEqual([user, mayOperate], [require('node:os').userInfo().username, true]);
  const cancelled = await visitor.act('delete', { id: 'one', force: true });
  assert.equal(cancelled.instancesDeleted, 1);
  assert.equal((await client.getStatus('one')).status, 'NotFound');
  // A stream that is open does not keep it.
  const stream = await visitor.follow('instances');
  await stream.next();
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('it may only show', async (t) => {
  const { line } = await started(t, '--read-only', '--no-json');
  const { origin, hash } = new URL(/^The page is at (.*)$/.exec(line)[1]);
  const { visitor } = await signIn(origin, hash.replace('#token=', ''));
  assert.equal((await visitor.act('delete', { id: 'one', force: true })).http, 403);
});

test('what cannot be a port is refused', async () => {
  const args = [COMMAND, 'ui', '--port', '70000', '--store', 'none.db'];
  const { code, stderr } = await new Promise((resolve) =>
    execFile(process.execPath, args, (error, _, text) =>
      resolve({ code: error?.code, stderr: text }),
    ),
  );
  assert.equal(code, 2);
  assert.match(stderr, /whole number up to 65535/);
});
