'use strict';

const check = require('./check.js');
const { DuroxideError } = require('./errors.js');
const { RESERVED_PREFIX } = require('./schedules/names.js');

/**
 * Histories as text: a line of JSON about the instance, then for each execution one about it and one for
 * each of its events.
 */

/** The number of the format, which changes when an older release could not read it. */
const FORMAT = 1;

/**
 * @param {string} instance
 * @param {(name: string, args: object) => Promise<{ value: any, payload: string | null }>} ask
 */
async function exportText(instance, ask) {
  const { value } = await ask('instance', { instance });
  const { instanceId, orchestrationName, orchestrationVersion, status } = value;
  const held = value.hold ? true : undefined;
  const { executions } = (await ask('executions', { instance })).value;
  const first = {
    format: FORMAT,
    instanceId,
    orchestrationName,
    orchestrationVersion,
    status,
    held,
    executions: executions.length,
  };
  const lines = [`${JSON.stringify(first)}\n`];
  // What the executions before have left; not known where they were pruned.
  let values = executions[0] === 1 ? [] : null;
  for (const execution of executions) {
    const { value: left, payload } = await ask('export', { instance, execution, values });
    lines.push(payload ?? '');
    values = left.values;
  }
  return lines.join('');
}

/**
 * Takes such a text apart: the instance, and the text of each execution.
 *
 * @param {string} text
 * @param {number} [most] bytes of a line
 * @returns {{ instanceId: string, executions: string[] } & Record<string, any>} its first line, and they
 */
function takeApart(text, most = Infinity) {
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.some((line) => Buffer.byteLength(line) > most)) {
    throw notExported(`a line has more than ${most} bytes`);
  }
  const first = parse(lines[0] ?? '');
  if (typeof first?.instanceId !== 'string' || typeof first.format !== 'number') {
    throw notExported('it does not begin with a line about an instance');
  }
  if (first.format > FORMAT) {
    throw notExported(`its format is ${first.format}, and this release knows ${FORMAT}`);
  }
  /** @type {string[][]} */
  const executions = [];
  for (const line of lines.slice(1)) {
    if (line.startsWith('{"execution":')) executions.push([]);
    const current = executions.at(-1);
    if (current === undefined) throw notExported('an event comes before its execution');
    current.push(line);
  }
  // What has not begun has none. Earlier releases do not say how many there are.
  const { executions: told = Math.max(1, executions.length) } = first;
  if (executions.length !== told) {
    throw notExported(`it has ${executions.length} of ${told} executions`);
  }
  return { ...first, executions: executions.map((all) => all.join('\n')) };
}

/** The longest line of an exported history that is taken, in bytes. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/**
 * Takes such a text in, an execution at a time.
 *
 * @param {string} text
 * @param {unknown} instanceId
 * @param {import('./handles.js').Ask} ask
 */
async function importText(text, instanceId, ask) {
  const first = takeApart(text, MAX_LINE_BYTES);
  const instance = check.rootId('instanceId', instanceId ?? first.instanceId);
  if (instance.startsWith(RESERVED_PREFIX)) {
    throw notExported(`instance id '${instance}' is the package's own: give it another one`);
  }
  let life = '';
  for (const [at, execution] of first.executions.entries()) {
    const after = first.executions[at + 1]?.split('\n', 1)[0];
    const values = parse(after ?? '')?.values ?? null;
    life = (await ask('import', { instance, life, values }, execution)).value.life;
  }
  return { instanceId: instance, executions: first.executions.length };
}

/** @param {string} line */
function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** @param {string} why */
function notExported(why) {
  return new DuroxideError(`not an exported history: ${why}`, { code: 'INVALID_INPUT' });
}

module.exports = { exportText, importText, takeApart };
