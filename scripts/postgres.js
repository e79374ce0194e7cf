'use strict';

/**
 * `node scripts/postgres.js <command> [arguments]` runs a command with DATABASE_URL naming a
 * PostgreSQL server: the one that DATABASE_URL names already, or a throwaway one of
 * provider/postgres/pgtest/pgserver, which ends with this process, however that ends. Where there
 * is no such server, the exit code is 77. DUROXIDE_TEST_PG=other chooses another version than the
 * usual one.
 */

const { once } = require('node:events');
const { spawn } = require('node:child_process');
const readline = require('node:readline');
const { ROOT } = require('./prepare.js');

const NO_SERVER = 77;

/** Starts a server. The program that runs it ends it when this end of its input is closed. */
async function start() {
  const program = spawn('go', ['run', './provider/postgres/pgtest/pgserver'], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
    // What ends this group of processes must not end `go run` before it has tidied up.
    detached: process.platform !== 'win32',
  });
  const ended = once(program, 'close');
  const line = once(readline.createInterface({ input: program.stdout }), 'line');
  const said = await Promise.race([line, ended.then(() => null)]);
  if (said === null) throw new Error('pgserver has ended without a word');
  const { url, version, none, error } = JSON.parse(said[0]);
  if (error) throw new Error(error);
  const stop = async () => {
    program.stdin.end();
    const [code] = await ended;
    if (code !== 0) throw new Error('pgserver could not tidy up');
  };
  return { url, version, none, stop };
}

/**
 * @param {string} url
 * @param {string[]} command
 * @returns {Promise<number>}
 */
function run(url, [file, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      stdio: 'inherit',
      env: { ...process.env, DATABASE_URL: url },
    });
    // The terminal interrupts the command too; the server is stopped when that has ended.
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    child.on('error', (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

async function main() {
  const command = process.argv.slice(2);
  if (command.length === 0) throw new Error('name a command: node scripts/postgres.js <command>');
  const { DATABASE_URL, DUROXIDE_TEST_PG } = process.env;
  if (DATABASE_URL && DUROXIDE_TEST_PG === 'other') {
    console.error('DATABASE_URL names the server, so that there is no other');
    return NO_SERVER;
  }
  if (DATABASE_URL) return run(DATABASE_URL, command);
  const server = await start();
  if (server.none) {
    console.error(server.none);
    return NO_SERVER;
  }
  console.error(`PostgreSQL ${server.version}`);
  try {
    return await run(server.url, command);
  } finally {
    await server.stop();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
