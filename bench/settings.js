'use strict';

/** What the command line asks for. */

const { parseArgs } = require('node:util');
const { casesOf } = require('./cases.js');

/** How safe commits may be, by store. A server says it by itself. */
const MODES = { sqlite: ['full', 'normal'], postgres: undefined };

/** @param {string} option @param {string[]} given @param {string[]} known */
function checkNames(option, given, known) {
  for (const name of given) {
    if (known.includes(name)) continue;
    throw new Error(`--${option} must be of ${known.join(', ')}, not '${name}'`);
  }
  return given;
}

/** @param {string} option @param {string} text */
function count(option, text) {
  if (!/^[1-9]\d*$/.test(text)) {
    throw new Error(`--${option} must be a whole number of at least 1, not '${text}'`);
  }
  return Number(text);
}

/** @param {string} store @param {string | undefined} modes */
function readModes(store, modes) {
  const known = MODES[store];
  if (modes === undefined) return known;
  if (known === undefined) throw new Error('--modes is for --store sqlite: a server has its own');
  return checkNames('modes', modes.split(','), known);
}

/** @param {Record<string, { target: Record<string, number> }>} all what can be measured */
function readSettings(all) {
  const { values } = parseArgs({
    options: {
      store: { type: 'string', default: 'sqlite' },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      payload: { type: 'string', default: '100' },
      modes: { type: 'string' },
      only: { type: 'string' },
      cases: { type: 'boolean', default: false },
      baseline: { type: 'boolean', default: false },
    },
  });
  const [store] = checkNames('store', [values.store], Object.keys(MODES));
  const measured = Object.keys(all).filter((name) => all[name].target[store] !== undefined);
  const names = values.cases ? casesOf(store) : measured;
  return {
    store,
    cases: values.cases,
    baseline: values.baseline,
    quick: values.quick,
    rounds: count('rounds', values.rounds ?? (values.quick ? '1' : '5')),
    payloadBytes: count('payload', values.payload),
    modes: readModes(store, values.modes),
    only: checkNames('only', values.only?.split(',') ?? names, names),
  };
}

module.exports = { readSettings };
