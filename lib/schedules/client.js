'use strict';

const { randomUUID } = process.getBuiltinModule('node:crypto');
const check = require('../check.js');
const { LIST_OPTIONS: INSTANCES } = require('../client-options.js');
const { moment } = require('../durations.js');
const { DuroxideError, TimeoutError, unless } = require('../errors.js');
const { isOlder } = require('./commands.js');
const { definitionOf } = require('./definition.js');
const { described, storedOf, summary } = require('./description.js');
const {
  DEFINITION_KEY,
  ORCHESTRATION,
  QUEUE,
  answerKey,
  instanceOf,
  note,
  scheduleId,
  scheduleOf,
} = require('./names.js');

/** The schedules of a client. Whatever they do goes through its other methods. */

const LIST_OPTIONS = {
  limit: INSTANCES.limit,
  before: scheduleId,
  idPrefix: INSTANCES.idPrefix,
};

/** How long a schedule may take to do what it is told. */
const ANSWER_MS = 30_000;

/** How many schedules of a list are read at a time. */
const READS = 16;

/** @typedef {import('./definition.js').Definition} Definition */

/** Its documentation is in index.d.ts. */
class ScheduleClient {
  #encode;
  #now;

  /** @param {(input: unknown) => string} encode @param {() => Promise<number>} now the time of the store */
  constructor(encode, now) {
    this.#encode = encode;
    this.#now = now;
  }

  /** Itself, with the methods that it has as a client. @returns {any} */
  get #client() {
    return this;
  }

  /**
   * @param {unknown} id
   * @param {unknown} options
   * @returns {Promise<'created' | 'updated' | 'unchanged'>}
   */
  async schedule(id, options) {
    const schedule = scheduleId('id', id);
    const { definition, paused } = definitionOf(options, this.#encode);
    const instance = instanceOf(schedule);
    for (;;) {
      const { status } = await this.#client.getStatus(instance);
      if (status === 'Running') return this.#change(instance, definition);
      // One that has ended begins anew.
      if (status !== 'NotFound') await unless(GONE, this.#client.deleteInstance(instance));
      const input = { id: schedule, definition, paused, askedMs: await this.#now() };
      const start = this.#client.start(ORCHESTRATION, instance, input, { rejectIfExists: true });
      if (await unless('INSTANCE_EXISTS', start)) return 'created';
    }
  }

  /** @param {string} instance @param {Definition} definition */
  async #change(instance, definition) {
    const text = await this.#client.getValue(instance, DEFINITION_KEY);
    if (text === JSON.stringify(definition)) return 'unchanged';
    if (text !== null && isOlder(definition, JSON.parse(text))) return 'unchanged';
    await this.#client.enqueueEvent(instance, QUEUE, { do: 'update', definition });
    return 'updated';
  }

  /** @param {unknown} id @param {unknown} [why] */
  async pauseSchedule(id, why) {
    await this.#tell(id, { do: 'pause', note: checkedNote(why) });
  }

  /** @param {unknown} id @param {unknown} [why] */
  async resumeSchedule(id, why) {
    await this.#tell(id, { do: 'resume', note: checkedNote(why) });
  }

  /** @param {unknown} id @param {unknown} [options] */
  async triggerSchedule(id, options) {
    const { input } = check.options('options', options, { input: (_, value) => value });
    const given = input === undefined ? {} : { input: JSON.parse(this.#encode(input)) };
    return (await this.#tell(id, { do: 'trigger', ...given })).instanceId;
  }

  /** @param {unknown} id @param {unknown} from @param {unknown} to @param {unknown} [options] */
  async backfillSchedule(id, from, to, options) {
    scheduleId('id', id);
    const stretch = { from: moment('from', from), to: moment('to', to) };
    if (stretch.to <= stretch.from) throw new RangeError('to must be after from');
    const { overlap = 'bufferAll' } = check.options('options', options, { overlap: backfilled });
    return (await this.#tell(id, { do: 'backfill', ...stretch, overlap })).ticks;
  }

  /**
   * Tells a schedule something, and gives its answer.
   *
   * @param {unknown} id
   * @param {object} command
   */
  async #tell(id, command) {
    const schedule = scheduleId('id', id);
    const instance = instanceOf(schedule);
    const { status } = await this.#client.getStatus(instance);
    if (status !== 'Running') throw noSchedule(schedule, status);
    const request = randomUUID();
    await this.#client.enqueueEvent(instance, QUEUE, { ...command, request });
    const answered = this.#client.waitForValue(instance, answerKey(request), ANSWER_MS);
    const text = await unless('TIMEOUT', answered);
    if (text === null) throw notAnswered(schedule);
    const answer = JSON.parse(text);
    if (answer?.error !== undefined)
      throw new DuroxideError(answer.error, { code: 'INVALID_STATE' });
    return answer;
  }

  /** @param {unknown} id */
  async describeSchedule(id) {
    const schedule = scheduleId('id', id);
    return described(await this.#read(instanceOf(schedule)), (instance) => this.#infoOf(instance));
  }

  /** @param {unknown} [options] */
  async listSchedules(options) {
    const { before, idPrefix = '', limit } = check.options('options', options, LIST_OPTIONS);
    const page = {
      name: ORCHESTRATION,
      idPrefix: instanceOf(idPrefix),
      ...(before !== undefined && { before: instanceOf(before) }),
      ...(limit !== undefined && { limit }),
    };
    const ids = await this.#client.listAllInstances(page);
    const schedules = [];
    for (let at = 0; at < ids.length; at += READS) {
      const some = ids.slice(at, at + READS);
      const read = await Promise.all(
        some.map((/** @type {string} */ instance) => unless(GONE, this.#read(instance))),
      );
      schedules.push(...read.filter((stored) => stored !== null).map(summary));
    }
    return schedules;
  }

  /** @param {unknown} id @param {unknown} [options] */
  async deleteSchedule(id, options) {
    const instance = instanceOf(scheduleId('id', id));
    const { cancelRuns = false } = check.options('options', options, { cancelRuns: check.boolean });
    const { running } = cancelRuns ? await this.#tell(id, { do: 'stop' }) : { running: [] };
    await this.#found(instance, this.#client.deleteInstance(instance, true));
    for (const run of running)
      await this.#client.cancelInstance(run, `schedule '${id}' was deleted`);
  }

  /** @param {string} instance */
  async #read(instance) {
    const info = await this.#found(
      instance,
      this.#client.getInstanceInfo(instance, { parsed: true }),
    );
    return storedOf(info, await this.#client.getKvAllValues(instance));
  }

  /** @param {string} instance */
  async #infoOf(instance) {
    const info = this.#client.getInstanceInfo(instance, { parsed: true });
    return unless(GONE, info);
  }

  /**
   * Names the schedule where it is not there.
   *
   * @template T
   * @param {string} instance
   * @param {Promise<T>} request
   * @returns {Promise<T>}
   */
  async #found(instance, request) {
    try {
      return await request;
    } catch (error) {
      const { code } = /** @type {any} */ (error);
      if (code !== GONE) throw error;
      throw noSchedule(scheduleOf(instance), 'NotFound', error);
    }
  }
}

const GONE = 'INSTANCE_NOT_FOUND';

/** @param {string} id @param {string} status @param {unknown} [cause] */
function noSchedule(id, status, cause) {
  const text =
    status === 'NotFound'
      ? `there is no schedule '${id}'`
      : `schedule '${id}' has ended: schedule it again, or delete it`;
  return new DuroxideError(text, { code: status === 'NotFound' ? GONE : 'INVALID_STATE', cause });
}

/** @param {string} id */
function notAnswered(id) {
  return new TimeoutError(
    `schedule '${id}' was told, and has not done it within ${ANSWER_MS / 1000} s: it does when a runtime ` +
      'with schedules is there',
  );
}

/** @param {unknown} text */
const checkedNote = (text) => (text === undefined || text === null ? null : note('note', text));

/** @param {string} argument @param {unknown} value */
const backfilled = (argument, value) => check.oneOf(argument, value, ['bufferAll', 'allow']);

module.exports = { ScheduleClient };
