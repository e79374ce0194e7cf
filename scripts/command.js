'use strict';

/**
 * Running a command that may take only so long. It has a process group of its own, so that
 * everything that it has started can be shown and ended, and nothing else.
 */

const { spawn, spawnSync } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { ROOT } = require('./prepare.js');

/** @typedef {{ pid: number, parent: number, group: number, age: string, command: string }} Process */

/** The exit code of a command whose time was over. */
const TIME_OVER = 124;
/** The exit code of a command that was interrupted, or never began because others were. */
const INTERRUPTED = 130;
/** How long what is told to end may take by default. A server has its files to delete. */
const ENDING_MS = 10_000;
const LOOK_MS = 200;
/** A line of the list is no longer: some commands name fifty files. */
const SHOWN = 160;
const isWindows = process.platform === 'win32';

/** The groups that are running, by the id of their first process. @type {Set<number>} */
const running = new Set();
let isInterrupted = false;

/** All that run on the machine; nothing where there is no `ps`. @returns {Process[]} */
function listProcesses() {
  const list = spawnSync('ps', ['-eo', 'pid=,ppid=,pgid=,etime=,args='], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const lines = list.stdout?.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/gm) ?? [];
  const processes = Array.from(lines, ([, pid, parent, group, age, command]) => {
    return { pid: Number(pid), parent: Number(parent), group: Number(group), age, command };
  });
  return processes.filter(({ command }) => !command.endsWith('<defunct>'));
}

/** What is in a group, or was started by something in it. @param {number} group */
function familyOf(group) {
  const all = listProcesses();
  /** @type {Set<Process>} */
  const family = new Set();
  const belongs = (/** @type {Process} */ one) =>
    one.group === group || [...family].some((other) => other.pid === one.parent);
  for (let before = -1; before < family.size; ) {
    before = family.size;
    for (const one of all) if (belongs(one)) family.add(one);
  }
  return [...family];
}

/** @param {Process[]} family */
function asTree(family) {
  /** @type {string[]} */
  const lines = [];
  const show = (/** @type {Process} */ one, /** @type {string} */ indent) => {
    lines.push(`${indent}${one.pid}, for ${one.age}: ${one.command}`.slice(0, SHOWN));
    for (const child of family) if (child.parent === one.pid) show(child, `${indent}  `);
  };
  for (const one of family) {
    if (!family.some((other) => other.pid === one.parent)) show(one, '  ');
  }
  return lines.join('\n');
}

/** The files of `node --test` that have not ended: each is a process. @param {Process[]} family */
function testFiles(family) {
  return family.flatMap(({ command }) => {
    const files = command.split(' ').filter((word) => word.endsWith('.test.js'));
    return files.length === 1 && !command.includes('--test ') ? files : [];
  });
}

/** @param {number} pid or, below zero, a group of processes @param {NodeJS.Signals} signal */
function send(pid, signal) {
  try {
    if (isWindows) spawnSync('taskkill', ['/pid', String(Math.abs(pid)), '/T', '/F']);
    else process.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

/** Those of a family that still run. @param {Process[]} family */
function leftOf(family) {
  return listProcesses().filter(({ pid, command }) =>
    family.some((one) => one.pid === pid && one.command === command),
  );
}

/** Waits until a family has ended, but not for long. @param {Process[]} family @param {number} endingMs */
async function untilEnded(family, endingMs) {
  const deadline = Date.now() + endingMs;
  while (leftOf(family).length > 0 && Date.now() < deadline) await sleep(LOOK_MS);
}

/**
 * Ends what is left of a command: the group is told to end, then made to. What the command has
 * started in other groups has had time to tidy up when its turn comes.
 *
 * @param {number} group
 * @param {Process[]} family
 * @param {number} endingMs
 */
async function endFamily(group, family, endingMs) {
  send(-group, 'SIGTERM');
  await untilEnded(family, endingMs);
  send(-group, 'SIGKILL');
  await untilEnded(family, endingMs);
  for (const { pid } of leftOf(family)) send(pid, 'SIGKILL');
  await untilEnded(family, endingMs);
}

/**
 * Runs a command to its end, or until its time is over. What it leaves running is ended too.
 *
 * @param {string[]} command
 * @param {object} options
 * @param {AbortSignal} options.time is aborted when the time of the command is over
 * @param {Record<string, string>} [options.env]
 * @param {(text: string) => void} [options.collect] takes the output; without it, it goes to the
 *   terminal
 * @param {number} [options.endingMs] how long what is told to end may take
 * @returns {Promise<number>} the exit code; TIME_OVER if its time was over
 */
async function runCommand([file, ...args], { time, env, collect, endingMs = ENDING_MS }) {
  if (isInterrupted) return INTERRUPTED;
  const output = collect ? 'pipe' : 'inherit';
  const child = spawn(file, args, {
    cwd: ROOT,
    detached: !isWindows,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  });
  const say = collect ?? ((/** @type {string} */ text) => process.stderr.write(text));
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', say);
  const closed = new Promise((resolve) => {
    child.on('error', (error) => {
      say(`${file}: ${error.message}\n`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
  const group = child.pid;
  if (group === undefined) return closed;
  running.add(group);
  const timeOver = new Promise((resolve) => {
    if (time.aborted) resolve(TIME_OVER);
    time.addEventListener('abort', () => resolve(TIME_OVER), { once: true });
  });
  const code = await Promise.race([closed, timeOver]);
  const family = familyOf(group);
  if (code === TIME_OVER || family.length > 0) {
    const why = code === TIME_OVER ? 'its time is over' : 'it has ended';
    const files = testFiles(family);
    say(`\n${why}, but there still is\n${asTree(family) || '  what `ps` could tell'}\n`);
    if (files.length > 0) say(`unfinished: ${files.join(', ')}\n`);
    await endFamily(group, family, endingMs);
  }
  running.delete(group);
  return code;
}

/** What ends this process ends the commands too: they are not in its group. */
function passSignalsOn() {
  for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      isInterrupted = true;
      for (const group of running) send(-group, signal);
    });
  }
}

module.exports = { TIME_OVER, passSignalsOn, runCommand };
