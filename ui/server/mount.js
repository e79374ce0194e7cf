'use strict';

/** The page as a part of an application. */

const { Dashboard } = require('./dashboard.js');
const { whoOf } = require('./guard.js');
const { fromFetch, fromNode, toFetch, toNode } = require('./http.js');

/** @typedef {import('../index').DashboardOptions} DashboardOptions */

const OPTIONS = ['basePath', 'readOnly', 'authenticate', 'redact', 'onError'];

/** @type {import('./guard.js').Who} */
const ANYBODY = { user: null, role: 'operate' };

/** @param {any} client */
function checkClient(client) {
  if (typeof client?.describe !== 'function' || typeof client?.listInstances !== 'function') {
    throw new TypeError('client must be a Client of duroxide');
  }
  return client;
}

/** @param {unknown} basePath */
function checkBasePath(basePath) {
  if (basePath === undefined || basePath === '/') return '';
  if (typeof basePath !== 'string' || !/^(\/[\w.~-]+)+$/.test(basePath)) {
    throw new TypeError(
      `basePath must be a path like '/duroxide', without a slash at its end, not ${JSON.stringify(basePath)}`,
    );
  }
  return basePath;
}

/** @param {unknown} authenticate */
function checkAuthenticate(authenticate) {
  if (authenticate !== false && typeof authenticate !== 'function') {
    throw new TypeError(
      "authenticate must be a function that gives { user, role: 'read' | 'operate' } or null, " +
        'or false where everybody who reaches the page may see it',
    );
  }
  return /** @type {false | ((request: unknown) => unknown)} */ (authenticate);
}

/** @param {Record<string, unknown>} options @param {string} name @param {string} type */
function checkType(options, name, type) {
  const value = options[name];
  if (value !== undefined && typeof value !== type)
    throw new TypeError(`${name} must be a ${type}`);
  return /** @type {any} */ (value);
}

/** @param {unknown} error */
function warn(error) {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
}

/** @param {InstanceType<typeof Dashboard>} dashboard */
function handlers(dashboard) {
  /** @param {any} req @param {any} res @param {any} [next] */
  const handler = async (req, res, next) => {
    const asked = fromNode(req);
    if (typeof next === 'function' && !dashboard.has(asked.path)) return next();
    const answer = await dashboard.answer(asked);
    // What is left of a body that nobody wants keeps no connection busy.
    req.resume?.();
    toNode(req, res, answer);
  };
  /** @param {Request} request */
  const fetch = async (request) => toFetch(request, await dashboard.answer(fromFetch(request)));
  return { handler, fetch, close: () => dashboard.close() };
}

/** Its documentation is in index.d.ts. @param {any} client @param {any} options */
function createDashboard(client, options) {
  checkClient(client);
  const given = { ...options };
  const unknown = Object.keys(given).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw new TypeError(`there is no option ${unknown}`);
  const authenticate = checkAuthenticate(given.authenticate);
  const dashboard = new Dashboard({
    client,
    basePath: checkBasePath(given.basePath),
    readOnly: checkType(given, 'readOnly', 'boolean') ?? true,
    authenticate: async ({ original }) =>
      authenticate === false ? ANYBODY : whoOf(await authenticate(original)),
    redact: checkType(given, 'redact', 'function'),
    onFault: checkType(given, 'onError', 'function') ?? warn,
  });
  return handlers(dashboard);
}

module.exports = { checkClient, checkType, createDashboard, handlers, warn };
