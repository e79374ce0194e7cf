'use strict';

/** The command line, run as a user would, beside an application of the test's own. */

const assert = require('node:assert/strict');
const { execFile, spawn } = require('node:child_process');
const path = require('node:path');
const { makeRuntime } = require('./harness.js');
const shop = require('./shop.js');
const { openStore } = require('./store.js');
const { Client } = require('../../lib/duroxide.js');

const COMMAND = path.join(__dirname, '..', '..', 'bin', 'duroxide.js');
const EXIT = { done: 0, failed: 1, usage: 2, notFound: 3, store: 4 };

/** Runs a command, and gives its exit code and what it printed. */
function run(args, env = {}, input = undefined) {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 << 20 };
    const child = execFile(process.execPath, [COMMAND, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    );
    child.stdin.end(input);
  });
}

/** Starts a command that goes on until it is told to end. */
function begin(args, env, stderr = 'inherit') {
  const stdio = ['ignore', 'pipe', stderr];
  return spawn(process.execPath, [COMMAND, ...args], { env: { ...process.env, ...env }, stdio });
}

/** How a command names the store of a test. */
function locationOf({ file, url, schema }) {
  if (file !== undefined) return file;
  const location = new URL(url);
  location.searchParams.set('schema', schema);
  return location.href;
}

/** A store in use by an application; `duroxide` runs a command on it. */
async function application(t, setUp = shop.register, options = {}) {
  const { provider, place } = await openStore(t);
  const runtime = makeRuntime(provider, { options });
  setUp(runtime);
  await runtime.start();
  t.after(() => runtime.shutdown());
  const client = new Client(provider);
  const env = { DUROXIDE_STORE: locationOf(place) };
  const duroxide = async (...args) => {
    const { code, stdout, stderr } = await run(args, env);
    assert.equal(code, EXIT.done, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const json = async (...args) => JSON.parse(await duroxide(...args));
  return { provider, client, duroxide, json, env, ended: (args, input) => run(args, env, input) };
}

module.exports = { EXIT, application, begin, locationOf, run };
