'use strict';

const { types } = process.getBuiltinModule('node:util');
const check = require('./check.js');
const { disown } = require('./disown.js');
const { headersOf, headersText } = require('./headers.js');
const { describe } = require('./thrown.js');

/**
 * Functions around calls: they see a call before and after, may wait, run it in a context of their own
 * (AsyncLocalStorage), or refuse it by throwing. What it gives they do not change.
 *
 * I1  What is innermost is called once, unless somebody threw before.
 */

/** @typedef {(call: any, next: () => any) => unknown} Interceptor */

/**
 * Gives the functions of an interceptor.
 *
 * @param {unknown} interceptor
 * @param {string[]} kinds those that there are
 * @returns {Record<string, Interceptor>}
 */
function checkInterceptor(interceptor, kinds) {
  const fields = Object.fromEntries(kinds.map((kind) => [kind, check.func]));
  const given = check.options('interceptor', interceptor, fields);
  if (Object.keys(given).length > 0) return given;
  const names = kinds.map((kind) => `'${kind}'`).join(' or ');
  throw new TypeError(`interceptor must have ${names}, which are functions of (call, next)`);
}

/** Gives what the functions of a runtime's interceptors are added to. */
function noInterceptors() {
  /** @type {Interceptor[][]} */
  const [activity, step, ended] = [[], [], []];
  return { activity, step, ended };
}

/**
 * Adds the functions of an interceptor to those that there are.
 *
 * @param {Record<string, Interceptor[]>} all
 * @param {unknown} interceptor
 */
function addInterceptor(all, interceptor) {
  for (const [kind, fn] of Object.entries(checkInterceptor(interceptor, Object.keys(all)))) {
    all[kind].push(fn);
  }
}

/**
 * Makes one function of several, the first one outermost.
 *
 * @param {Interceptor[]} interceptors
 * @param {() => any} innermost
 * @param {(interceptor: Interceptor, next: () => any) => any} layer calls one of them
 */
function chain(interceptors, innermost, layer) {
  let next = innermost;
  for (const interceptor of [...interceptors].reverse()) {
    const inner = next;
    next = () => layer(interceptor, inner);
  }
  return next;
}

/**
 * Makes an asynchronous call through interceptors, and gives what it gives.
 *
 * @template T
 * @param {Interceptor[]} interceptors
 * @param {object} call
 * @param {() => T | Promise<T>} run
 * @param {(outcome: Promise<T>) => any} [shown] what `next` gives
 * @returns {Promise<T>}
 */
async function around(interceptors, call, run, shown = (outcome) => outcome) {
  /** @type {Promise<T> | null} */
  let outcome = null;
  const called = () => {
    if (outcome === null) throw new TypeError('an interceptor did not call next');
    return outcome;
  };
  const innermost = () => {
    if (outcome !== null) throw new TypeError('next was called a second time');
    outcome = quiet(async () => run());
    return quiet(async () => shown(called()));
  };
  /** @type {Promise<unknown>[]} */
  const layers = [];
  const layer = (/** @type {Interceptor} */ interceptor, /** @type {() => any} */ next) => {
    const given = quiet(async () => {
      try {
        await interceptor(call, next);
      } catch (error) {
        await outcome; // How that failed is what counts.
        throw error;
      }
      return shown(called());
    });
    layers.push(given);
    return given;
  };
  chain(interceptors, innermost, layer)();
  // The innermost is there first. It has refused also where nobody around waits for it.
  for (const given of layers) await given;
  return called();
}

/**
 * Gives the promise of a call. Whoever intercepts may not wait for it, which must not end the process.
 *
 * @template T
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
function quiet(call) {
  const promise = call();
  disown(promise);
  return promise;
}

/**
 * Makes a synchronous call through interceptors. They only watch: what they do wrong is for `complain`,
 * because what orchestration code does may not depend on it.
 *
 * @param {Interceptor[]} interceptors
 * @param {object} call
 * @param {() => any} run
 * @param {(error: unknown) => void} complain
 */
function aroundStep(interceptors, call, run, complain) {
  /** @type {{ ok: boolean, value: any } | null} */
  let outcome = null;
  const innermost = () => {
    if (outcome !== null) throw new TypeError('next was called a second time');
    try {
      outcome = { ok: true, value: run() };
    } catch (error) {
      outcome = { ok: false, value: error };
      throw error;
    }
  };
  try {
    const given = chain(interceptors, innermost, (interceptor, next) => interceptor(call, next))();
    if (types.isPromise(given)) {
      disown(given);
      complain(new TypeError('it gave a promise, but a step does not wait'));
    }
  } catch (error) {
    if (wasThrownBy(outcome, error)) complain(error);
  }
  if (outcome === null) {
    complain(new TypeError('it did not call next'));
    return run();
  }
  const { ok, value } = /** @type {{ ok: boolean, value: any }} */ (outcome);
  if (ok) return value;
  throw value;
}

/**
 * Tells of an execution that has ended.
 *
 * @param {any[]} interceptors
 * @param {string} about
 * @param {(error: unknown) => void} complain
 */
function tell(interceptors, about, complain) {
  const { headers, ...rest } = JSON.parse(about);
  const ended = Object.freeze({ ...rest, headers: headersOf(headers) });
  for (const interceptor of interceptors) {
    quiet(async () => interceptor(ended)).catch(complain);
  }
}

/**
 * Says whether an error comes from an interceptor, and not from the code within.
 *
 * @param {{ ok: boolean, value: any } | null} outcome
 * @param {unknown} error
 */
function wasThrownBy(outcome, error) {
  return outcome === null || outcome.ok || outcome.value !== error;
}

/** The methods of a client that make each request. @type {Record<string, string>} */
const METHODS = {
  begin: 'start',
  start: 'startOrchestration',
  raise: 'raiseEvent',
  enqueue: 'enqueueEvent',
  resolve: 'resolve',
  reject: 'reject',
  request: 'request',
  reply: 'reply',
  refuse: 'rejectRequest',
  cancel: 'cancelInstance',
  terminate: 'terminateInstance',
  status: 'getStatus',
  wait: 'waitForOrchestration',
  waitStatus: 'waitForStatusChange',
  waitValue: 'waitForValue',
  value: 'getValue',
  values: 'getKvAllValues',
  metrics: 'getSystemMetrics',
  stats: 'getOrchestrationStats',
  depths: 'getQueueDepths',
  describe: 'describe',
  health: 'getHealth',
  summaries: 'listInstances',
  count: 'countInstances',
  list: 'listAllInstances',
  instance: 'getInstanceInfo',
  execution: 'getExecutionInfo',
  executions: 'listExecutions',
  history: 'readExecutionHistory',
  export: 'exportHistory',
  tree: 'getInstanceTree',
  delete: 'deleteInstance',
  deleteBulk: 'deleteInstanceBulk',
  retry: 'retryInstance',
  rewind: 'rewindInstance',
  fork: 'forkInstance',
  setDefault: 'setDefaultVersion',
  defaults: 'getDefaultVersions',
  import: 'importHistory',
  inUse: 'versionsInUse',
  prune: 'pruneExecutions',
  pruneBulk: 'pruneExecutionsBulk',
};

/**
 * Describes a request for interceptors.
 *
 * @param {string} request
 * @param {any} args
 */
function operationOf(request, { instance, name, queue, key, headers }) {
  return Object.freeze({
    ...(isStart(request) && { headers: { ...headersOf(headers ?? '') } }),
    method: METHODS[request],
    ...(instance !== undefined && { instanceId: instance }),
    ...((name ?? queue ?? key) !== undefined && { name: name ?? queue ?? key }),
  });
}

/** @param {string} request */
const isStart = (request) => METHODS[request].startsWith('start');

/**
 * Gives what interceptors have made of a request: the headers of a start.
 *
 * @param {{ headers?: Record<string, string> }} operation
 */
function changedBy({ headers }) {
  return headers && { headers: headersText('headers', headers) };
}

/** Gives what says once that an interceptor which only watches did what it may not. */
function complainer() {
  let hasComplained = false;
  return (/** @type {unknown} */ error) => {
    if (hasComplained) return;
    hasComplained = true;
    const { name, message } = describe(error);
    process.emitWarning(
      `an interceptor of a duroxide runtime that only watches failed, which changes nothing: ${name}: ${message}`,
    );
  };
}

module.exports = {
  addInterceptor,
  around,
  aroundStep,
  changedBy,
  checkInterceptor,
  complainer,
  noInterceptors,
  operationOf,
  tell,
};
