'use strict';

const { around } = require('./interceptors.js');

/**
 * Gives the code of an activity with the interceptors around it: undefined where there is none, null where
 * the closure of an inline one has left the memory.
 *
 * @param {Map<string, any>} registered
 * @param {InstanceType<typeof import('./orchestration/turn.js')['Turns']>} turns
 * @param {(name: string, code: any) => any} inlineCode what runs as an inline activity
 * @param {import('./interceptors.js').Interceptor[]} interceptors
 * @param {import('./native').ActivityRecord} record
 */
function activityCode(registered, turns, inlineCode, interceptors, record) {
  const { resident, action, activity: name } = record;
  if (resident === 0) return intercepted(interceptors, registered.get(name));
  const inline = turns.inline(resident, action);
  if (inline === null) return null;
  const { fn, attempt } = /** @type {{ fn: Function, attempt: any }} */ (inline);
  record.inline = attempt;
  const code = (/** @type {object} */ context) => fn(context);
  return intercepted(interceptors, inlineCode(name, code));
}

/** @param {import('./interceptors.js').Interceptor[]} interceptors @param {any} code */
function intercepted(interceptors, code) {
  if (code === undefined || interceptors.length === 0) return code;
  return (/** @type {object} */ context, /** @type {unknown} */ input) =>
    around(interceptors, Object.freeze({ context, input }), () => code(context, input));
}

module.exports = { activityCode };
