'use strict';

const check = require('../check.js');
const { duration } = require('../durations.js');
const { nameOf } = require('../registered.js');

/**
 * What is kept, and how long.
 *
 * @typedef {object} Rule
 * @property {number} [completed] milliseconds after its end
 * @property {number} [failed]
 * @property {number} [executions]
 *
 * @typedef {Rule & { maxInstances?: number, orchestrations: Record<string, Rule>, archives: boolean }} Policy
 */

/** @type {(argument: string, value: unknown) => number} */
const time = (argument, value) => check.integer(argument, duration(argument, value), 0);

/** @type {(argument: string, value: unknown) => number} */
const fromOne = (argument, value) => check.integer(argument, value, 1);

const RULE = { completed: time, failed: time, executions: fromOne };

const POLICY = {
  ...RULE,
  maxInstances: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    check.integer(argument, value, 0),
  orchestrations: checkOrchestrations,
  archive: check.func,
};

/**
 * @param {string} argument
 * @param {any} value
 * @returns {Record<string, Rule>}
 */
function checkOrchestrations(argument, value) {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError(
      `${argument} must be an object with a rule for each name, not ${check.kindOf(value)}`,
    );
  }
  const rules = Object.entries(value).map(([name, rule]) => {
    const what = `${argument}[${JSON.stringify(name)}]`;
    return [nameOf(argument, name, 'orchestration'), { ...check.options(what, rule, RULE) }];
  });
  return Object.fromEntries(rules);
}

/**
 * Checks what a runtime is to keep.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {{ policy: Policy, archive?: Function }}
 */
function checkRetention(argument, value) {
  const { archive, orchestrations = {}, ...rest } = check.options(argument, value, POLICY);
  const policy = { ...rest, orchestrations, archives: archive !== undefined };
  return { policy, ...(archive && { archive }) };
}

/**
 * Gives the rule for the instances of an orchestration.
 *
 * @param {Policy} policy
 * @param {string} [name]
 * @returns {Rule}
 */
function ruleFor({ completed, failed, executions, orchestrations }, name) {
  const own = name !== undefined && Object.hasOwn(orchestrations, name) ? orchestrations[name] : {};
  return { completed, failed, executions, ...own };
}

/**
 * Gives what all agree to delete: of each figure the largest, and nothing where somebody has none.
 *
 * @param {Policy[]} policies at least one
 * @returns {Policy}
 */
function merge(policies) {
  const names = new Set(policies.flatMap(({ orchestrations }) => Object.keys(orchestrations)));
  const rules = [...names].map((name) => [
    name,
    longest(policies.map((policy) => ruleFor(policy, name))),
  ]);
  return {
    ...longest(policies.map((policy) => ruleFor(policy))),
    ...largest('maxInstances', policies),
    orchestrations: Object.fromEntries(rules),
    archives: policies.some(({ archives }) => archives),
  };
}

/** @param {Rule[]} rules @returns {Rule} */
function longest(rules) {
  const keys = Object.keys(RULE);
  return Object.assign({}, ...keys.map((key) => largest(key, rules)));
}

/**
 * @param {string} key
 * @param {any[]} all
 */
function largest(key, all) {
  const values = all.map((one) => one[key]);
  return values.includes(undefined) ? {} : { [key]: Math.max(...values) };
}

/** Says whether policies want the same deleted. @param {Policy[]} policies */
function agree(policies) {
  const texts = policies.map((policy) => text({ ...policy, archives: false }));
  return new Set(texts).size < 2;
}

/** A text that does not depend on the order of members. @param {any} value @returns {string} */
function text(value) {
  return JSON.stringify(value, (_, member) =>
    member !== null && typeof member === 'object'
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

module.exports = { agree, checkRetention, merge, ruleFor };
