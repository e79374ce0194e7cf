'use strict';

const { age, span, when } = require('./output.js');
const { visible } = require('./visible.js');

/** What instances wait for, in words. */

/**
 * Gives a line for each wait, children's indented below them.
 *
 * @param {import('duroxide').Wait[]} waits
 * @param {string} [indent]
 * @returns {string[]}
 */
function linesOf(waits, indent = '  ') {
  return waits.flatMap((wait) => {
    const event = wait.eventId === undefined ? '' : ` (event ${wait.eventId})`;
    const line = `${indent}${inWords(wait)}, for ${age(wait.since)}${event}`;
    const below = wait.kind === 'child' ? linesOf(wait.waitingFor ?? [], `${indent}  `) : [];
    return [line, ...below];
  });
}

/** @param {any} wait */
function inWords(wait) {
  const { kind, name } = wait;
  const quoted = name === undefined ? '' : ` '${visible(name)}'`;
  switch (kind) {
    case 'activity':
      return `activity${quoted}${routed(wait)}: ${activityState(wait)}`;
    case 'timer':
      return `timer, ${due(wait.dueAt)}${afterFailure(wait.after)}`;
    case 'queue':
      return `a message in queue${quoted}`;
    case 'child':
      return `child '${visible(wait.instanceId)}' of${quoted}${wait.status ? `, ${wait.status}` : ''}`;
    case 'code':
      return `code of${quoted}${version(wait)}: ${codeState(wait)}`;
    case 'held':
      return `other code: it is held, ${quoted.trim()}${version(wait)} does not fit its history`;
    default:
      return `${kind}${quoted}`;
  }
}

/** @param {any} wait */
function routed({ tag, sessionId }) {
  const parts = [tag && `tag '${visible(tag)}'`, sessionId && `session '${visible(sessionId)}'`];
  const known = parts.filter(Boolean);
  return known.length > 0 ? ` with ${known.join(' and ')}` : '';
}

/** @param {any} wait */
function version({ version: wanted }) {
  return wanted === undefined ? '' : ` version ${visible(wanted)}`;
}

/** @param {any} wait */
function activityState(wait) {
  const { state, position, running, slots, attempt, nextAt, worker, error } = wait;
  switch (state) {
    case 'queued':
      return `queued at ${position}, ${running} of ${slots} slots run`;
    case 'running':
      return `running${on(worker)}`;
    case 'retrying':
      return `attempt ${attempt}, ${due(nextAt)}${error === undefined ? '' : `, after ${visible(error)}`}`;
    case 'no-worker':
      return 'no runtime takes its tag or session';
    case 'no-code':
      return 'no runtime has registered it';
    case 'finished':
      return 'its outcome is stored';
    default:
      return 'waiting';
  }
}

/** @param {any} wait */
function codeState({ state, worker }) {
  if (state === 'no-code') return 'no runtime has registered it';
  return state === 'running' ? `running${on(worker)}` : 'queued';
}

/** @param {any} worker */
function on(worker) {
  if (worker === undefined) return '';
  const { id, host, pid, blockedMs } = worker;
  const place = host === undefined ? visible(id) : `${visible(host)}, process ${pid}`;
  return ` on ${place}${blockedMs > 0 ? `, whose thread is blocked for ${span(blockedMs)}` : ''}`;
}

/** @param {number} at */
function due(at) {
  const left = at - Date.now();
  return left > 0 ? `due in ${span(left)}, at ${when(at)}` : `due since ${when(at)}`;
}

/** @param {any} after */
function afterFailure(after) {
  if (after === undefined) return '';
  const { activity, error, failures } = after;
  return ` after failure ${failures} of activity '${visible(activity)}': ${visible(error)}`;
}

module.exports = { linesOf };
