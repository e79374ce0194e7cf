'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const { readStore, storeCommand } = require('../store.js');
const { count } = require('../values.js');
const { visible } = require('../visible.js');

/** Between two looks whether something has happened. */
const LOOK_MS = 500;

/** @param {import('commander').Command} program */
function history(program) {
  storeCommand(program, 'history <id>', 'prints the events of an instance')
    .option('--execution <n>', 'those of one execution; the current one by default', count)
    .option('--follow', 'goes on until the instance has ended')
    .addHelpText('after', '\nAs JSON, each event is a line.')
    .action((id, options) => readStore(options, (work) => run(id, options, work)));
}

/**
 * @param {string} id
 * @param {{ execution?: number, follow?: boolean }} options
 * @param {import('../store.js').Work} work
 */
async function run(id, { execution, follow = false }, { client, out }) {
  const { currentExecutionId } = await client.getInstanceInfo(id);
  const reader = new Reader(client, id, execution ?? currentExecutionId, out);
  await reader.read();
  if (!follow) return;
  // The next execution, after continue-as-new, has a history of its own.
  while (await reader.next({ mayMoveOn: execution === undefined })) await reader.read();
}

/** Reads what was not read before. */
class Reader {
  #client;
  #id;
  #execution;
  #out;
  #seen = 0;
  /** When the instance had changed last, as far as was read. */
  #updatedAt = 0;

  /**
   * @param {import('duroxide').Client} client
   * @param {string} id
   * @param {number} execution
   * @param {import('../output.js').Out} out
   */
  constructor(client, id, execution, out) {
    this.#client = client;
    this.#id = id;
    this.#execution = execution;
    this.#out = out;
  }

  async read() {
    const events = await this.#client.readExecutionHistory(this.#id, this.#execution);
    for (const event of events.slice(this.#seen)) print(event, this.#execution, this.#out);
    this.#seen = events.length;
  }

  /**
   * Waits until there is something to read, and says whether there will be.
   *
   * @param {{ mayMoveOn: boolean }} options
   */
  async next({ mayMoveOn }) {
    for (;;) {
      const { status, currentExecutionId, updatedAt } = await this.#client.getInstanceInfo(
        this.#id,
      );
      if (updatedAt !== this.#updatedAt) {
        // What it has done since may be read again: it ends only when nothing has come since.
        this.#updatedAt = updatedAt;
        return true;
      }
      if (currentExecutionId > this.#execution) return mayMoveOn && this.#moveOn();
      // Between two executions it is neither: the next one may have to wait for its code.
      if (status === 'Completed' || status === 'Failed') return false;
      await sleep(LOOK_MS);
    }
  }

  #moveOn() {
    this.#execution += 1;
    this.#seen = 0;
    return true;
  }
}

const MAX_DATA = 200;

/**
 * @param {import('duroxide').HistoryEvent} event
 * @param {number} execution
 * @param {import('../output.js').Out} out
 */
function print(event, execution, out) {
  if (out.isJson) {
    out.record({ execution, ...event });
    return;
  }
  const { eventId, kind, timestampMs, sourceEventId, data } = event;
  const time = new Date(timestampMs).toISOString();
  const answers = sourceEventId ? ` of ${sourceEventId}` : '';
  const text = data === undefined ? '' : visible(data);
  const shown = text.length > MAX_DATA ? `${text.slice(0, MAX_DATA)}…` : text;
  const colour = /Failed|Terminated/.test(kind) ? 'red' : undefined;
  const head = `${String(eventId).padStart(5)}  ${out.paint(time, 'dim')}  `;
  out.line(`${head}${out.paint(`${kind}${answers}`, colour)}  ${shown}`.trimEnd());
}

module.exports = { history };
