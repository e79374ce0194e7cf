'use strict';

const codec = require('../codec.js');
const { definitionOf } = require('./definition.js');
const { QUEUE, STATE_KEY, instanceOf, scheduleId } = require('./names.js');

/**
 * Schedules that stand beside the code: each start of a runtime makes them so, and says of those that an earlier
 * release has declared that no code does any more. They go on.
 */
class DeclaredSchedules {
  /** @type {Map<string, any>} */
  #declared = new Map();

  /** @param {unknown} id @param {any} options */
  add(id, options) {
    const schedule = scheduleId('id', id);
    definitionOf(options, (input) => codec.encode(input, 'options.input', 'input'));
    if (this.#declared.has(schedule)) throw new TypeError(`duplicate schedule: ${schedule}`);
    this.#declared.set(schedule, options);
  }

  /**
   * @param {any} client
   * @param {string} by what declares them: the name of the service
   */
  async make(client, by) {
    if (this.#declared.size === 0) return;
    for (const [id, options] of this.#declared) {
      await client.schedule(id, options);
      const text = await client.getValue(instanceOf(id), STATE_KEY);
      const known = text === null ? null : JSON.parse(text).declared;
      if (known?.by !== by || !known.isCurrent) await say(client, id, { by, isCurrent: true });
    }
    for (const { scheduleId: id, declared: known } of await client.listSchedules()) {
      if (known?.by !== by || !known.isCurrent || this.#declared.has(id)) continue;
      await say(client, id, { by, isCurrent: false });
    }
  }
}

/**
 * @param {any} client
 * @param {string} id
 * @param {{ by: string, isCurrent: boolean }} declared
 */
async function say(client, id, declared) {
  await client.enqueueEvent(instanceOf(id), QUEUE, { do: 'declare', declared });
}

module.exports = { DeclaredSchedules };
