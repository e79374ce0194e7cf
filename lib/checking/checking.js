'use strict';

const check = require('../check.js');
const { Implementation } = require('../definitions.js');
const { takeApart } = require('../export.js');
const { unlessGone } = require('../listing.js');
const { onlyCheck } = require('../only-checked.js');
const { openedStore } = require('../provider.js');
const { Rehearsal } = require('../rehearsal.js');

/** Trying code on recorded histories, for the command line and whoever wants to do the same. */

const FITS = { divergence: null, differences: [] };

class Check {
  #rehearsal;

  /** @param {unknown} code */
  constructor(code) {
    this.#rehearsal = new Rehearsal(code);
  }

  /** @param {unknown} provider @param {unknown} instanceId */
  async instance(provider, instanceId) {
    const { store } = openedStore(provider);
    const instance = check.instanceId('instanceId', instanceId);
    return unlessGone(this.#rehearsal.try('client.rehearse', { store, instance }));
  }

  /** @param {unknown} history */
  async history(history) {
    const { executions, ...first } = takeApart(check.string('history', history));
    const { instanceId: instance, orchestrationName, orchestrationVersion } = first;
    const current = executions.at(-1);
    // Any code fits what has not begun.
    if (current === undefined) return { orchestrationName, orchestrationVersion, ...FITS };
    const result = await this.#rehearsal.try('replay', { instance, strict: false }, current);
    return { orchestrationName, orchestrationVersion, ...result };
  }

  close() {
    this.#rehearsal.close();
  }
}

/**
 * Gives the code in what a module exports: what `implement` gives, and functions that register.
 *
 * @param {Record<string, unknown> | Function} exported
 * @returns {unknown[]}
 */
function codeOf(exported) {
  if (typeof exported === 'function') return [exported];
  const { default: own, register } = exported;
  const functions = [own, register].filter((value) => typeof value === 'function');
  return [...functions, ...Object.values(exported).filter((v) => v instanceof Implementation)];
}

module.exports = { Check, codeOf, onlyCheck };
