'use strict';

const check = require('./check.js');
const { PRUNE_OPTIONS, conditions } = require('./client-options.js');
const { checkSemver } = require('./definitions.js');
const { importText } = require('./export.js');
const { nameOf } = require('./registered.js');
const { fork, retry, retryAll, rewind, rewindAll, versionsInUse } = require('./repairs.js');
const { RetentionClient } = require('./retention/client.js');

/** What a client does to instances from outside: it repairs and deletes them. */

/** @type {Record<string, (argument: string, value: unknown) => number>} */
const DEFAULT_OPTIONS = { percent: (argument, value) => check.integer(argument, value, 1, 100) };

const IMPORT_OPTIONS = { instanceId: check.rootId };

/** Its documentation is in index.d.ts. */
class ManagementClient extends RetentionClient {
  #ask;
  #encode;

  /**
   * @param {(input: unknown) => string} encode
   * @param {import('./handles.js').Ask} ask
   */
  constructor(encode, ask) {
    super(encode, () => this.#value('now', {}));
    this.#ask = ask;
    this.#encode = encode;
  }

  /** @param {string} name @param {object} args */
  async #value(name, args) {
    return (await this.#ask(name, args)).value;
  }

  /** @param {string} instanceId @param {unknown} [options] */
  async retryInstance(instanceId, options) {
    return retry(this.#ask, instanceId, options);
  }

  /** @param {unknown} [filter] @param {unknown} [options] */
  async retryInstances(filter, options) {
    return retryAll(this.#ask, filter, options);
  }

  /** @param {string} instanceId @param {unknown} options */
  async rewindInstance(instanceId, options) {
    return rewind(this.#ask, instanceId, options);
  }

  /** @param {unknown} filter @param {unknown} options */
  async rewindInstances(filter, options) {
    return rewindAll(this.#ask, filter, options, async (id) => {
      const { currentExecutionId } = await /** @type {any} */ (this).getInstanceInfo(id);
      return /** @type {any} */ (this).readExecutionHistory(id, currentExecutionId);
    });
  }

  /** @param {string} instanceId @param {string} newInstanceId @param {unknown} [options] */
  async forkInstance(instanceId, newInstanceId, options) {
    return fork(this.#ask, this.#encode, instanceId, newInstanceId, options);
  }

  /** @param {string} history @param {unknown} [options] */
  async importHistory(history, options) {
    const text = check.string('history', history);
    const { instanceId } = check.options('options', options, IMPORT_OPTIONS);
    return importText(text, instanceId, this.#ask);
  }

  /** @param {unknown} [orchestration] */
  async versionsInUse(orchestration) {
    return versionsInUse(this.#ask, orchestration);
  }

  /** @param {unknown} orchestration @param {string | null} version @param {unknown} [options] */
  async setDefaultVersion(orchestration, version, options) {
    const name = nameOf('orchestration', orchestration, 'orchestration');
    const given = version === null ? null : checkSemver('version', version);
    const { percent = 100 } = check.options('options', options, DEFAULT_OPTIONS);
    await this.#ask('setDefault', { name, version: given, percent });
  }

  async getDefaultVersions() {
    return (await this.#value('defaults', {})).versions;
  }

  /** @param {string} instanceId @param {boolean} [force] */
  async deleteInstance(instanceId, force) {
    const instance = check.instanceId('instanceId', instanceId);
    return this.#value('delete', { instance, force: check.boolean('force', force ?? false) });
  }

  /** @param {unknown} [filter] */
  async deleteInstanceBulk(filter) {
    return this.#value('deleteBulk', conditions(filter));
  }

  /** @param {string} instanceId @param {unknown} [options] */
  async pruneExecutions(instanceId, options) {
    const instance = check.instanceId('instanceId', instanceId);
    return this.#value('prune', { instance, ...check.options('options', options, PRUNE_OPTIONS) });
  }

  /** @param {unknown} [filter] @param {unknown} [options] */
  async pruneExecutionsBulk(filter, options) {
    const limits = check.options('options', options, PRUNE_OPTIONS);
    return this.#value('pruneBulk', { filter: conditions(filter), ...limits });
  }
}

module.exports = { ManagementClient };
