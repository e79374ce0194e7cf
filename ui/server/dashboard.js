'use strict';

/** What is asked for, by whom, and who answers. */

const { act, bodyOf } = require('./actions.js');
const { Samples, activities } = require('./activities.js');
const { asset, page } = require('./assets.js');
const { Counts } = require('./counts.js');
const { checkIsJson, checkMayOperate, checkSite } = require('./guard.js');
const { json } = require('./http.js');
const { Problem, problemOf } = require('./problem.js');
const { exported } = require('./export.js');
const { Rates } = require('./rates.js');
const { redactor } = require('./redact.js');
const { schedule, schedules } = require('./schedules.js');
const { retention, storage } = require('./storage.js');
const { Streams } = require('./streams.js');
const { history, instance, instances, overview, runtimes, tree } = require('./views.js');
const { version } = require('./version.js');
const { versions } = require('./versions.js');

/** @typedef {import('./http.js').Asked} Asked */
/** @typedef {import('./http.js').Answer} Answer */
/** @typedef {import('./guard.js').Who} Who */

/**
 * What there is to see, and how long a stream leaves it alone at least.
 *
 * @type {Record<string, { view: (context: any, query: URLSearchParams) => Promise<unknown>, pauseMs: number }>}
 */
const VIEWS = {
  overview: { view: overview, pauseMs: 2_000 },
  instances: { view: instances, pauseMs: 2_000 },
  instance: { view: instance, pauseMs: 1_000 },
  history: { view: history, pauseMs: 1_000 },
  tree: { view: tree, pauseMs: 2_000 },
  schedules: { view: schedules, pauseMs: 2_000 },
  schedule: { view: schedule, pauseMs: 2_000 },
  runtimes: { view: runtimes, pauseMs: 2_000 },
  activities: { view: activities, pauseMs: 5_000 },
  versions: { view: versions, pauseMs: 5_000 },
  storage: { view: storage, pauseMs: 5_000 },
  retention: { view: retention, pauseMs: 60_000 },
};

/**
 * @typedef {object} Setup
 * @property {any} client
 * @property {string} basePath
 * @property {boolean} readOnly
 * @property {(asked: Asked) => Promise<Who | null>} authenticate
 * @property {import('./redact.js').Redact} [redact]
 * @property {(error: unknown) => void} onFault
 * @property {InstanceType<typeof import('./sign-in.js').SignIn>} [signIn]
 * @property {(asked: Asked) => boolean} [isHost]
 */

class Dashboard {
  #setup;
  #context;
  #streams;

  /** @param {Setup} setup */
  constructor(setup) {
    this.#setup = setup;
    const { client, redact, onFault } = setup;
    const samples = new Samples();
    this.#context = {
      client,
      redact: redactor(redact, onFault),
      counts: new Counts(client),
      rates: new Rates(),
      samples,
    };
    this.#streams = new Streams(onFault);
  }

  /** Whether a path is of this page at all. @param {string} path */
  has(path) {
    const { basePath } = this.#setup;
    return path === basePath || path.startsWith(`${basePath}/`);
  }

  close() {
    this.#streams.close();
  }

  /** @param {Asked} asked @returns {Promise<Answer>} */
  async answer(asked) {
    try {
      return await this.#answer(asked);
    } catch (thrown) {
      const { status, code, message, more } = problemOf(thrown, this.#setup.onFault);
      const answer = json(status, { error: { code, message, ...more } });
      if (status === 405) answer.headers = { ...answer.headers, allow: 'GET, HEAD, POST' };
      return answer;
    }
  }

  /** @param {Asked} asked @returns {Promise<Answer>} */
  async #answer(asked) {
    const { basePath, isHost, signIn } = this.#setup;
    if (isHost && !isHost(asked)) {
      throw new Problem(403, 'FORBIDDEN', 'this page is asked for as localhost or 127.0.0.1');
    }
    if (!this.has(asked.path)) throw new Problem(404, 'NOT_FOUND', 'there is nothing here');
    const path = asked.path.slice(basePath.length) || '/';
    if (!['GET', 'HEAD', 'POST'].includes(asked.method)) {
      throw new Problem(405, 'METHOD_NOT_ALLOWED', `${asked.method} does nothing here`);
    }
    const open = signIn && (await this.#withoutCookie(signIn, asked, path));
    if (open) return open;
    const who = await this.#setup.authenticate(asked);
    if (who !== null) return this.#route(asked, path, who);
    const isPage = signIn && asked.method === 'GET' && !path.startsWith('/api/');
    if (isPage) return page(401, basePath, 'sign-in');
    throw new Problem(401, 'UNAUTHENTICATED', 'sign in first');
  }

  /**
   * What somebody gets who has only the link: the means to sign in.
   *
   * @param {InstanceType<typeof import('./sign-in.js').SignIn>} signIn
   * @param {Asked} asked
   * @param {string} path
   * @returns {Promise<Answer | null>}
   */
  async #withoutCookie(signIn, asked, path) {
    const { basePath } = this.#setup;
    if (asked.method !== 'POST') {
      const isOpen = ['/assets/sign-in.js', '/assets/page.css', '/assets/icon.svg'].includes(path);
      return isOpen ? asset(path.slice('/assets/'.length)) : null;
    }
    if (path !== '/api/sign-in') return null;
    checkSite(asked);
    checkIsJson(asked);
    const { token } = bodyOf(await asked.readBody());
    const answer = json(200, {});
    answer.headers = { ...answer.headers, 'set-cookie': signIn.exchange(token, basePath) };
    return answer;
  }

  /** @param {Asked} asked @param {string} path @param {Who} who @returns {Promise<Answer>} */
  async #route(asked, path, who) {
    if (asked.method === 'POST') return this.#change(asked, path, who);
    if (!path.startsWith('/api/')) return this.#file(path);
    checkSite(asked);
    const [, , name, of] = path.split('/');
    if (name === 'session' && of === undefined) return this.#session(who);
    if (name === 'history.jsonl' && of === undefined) return exported(this.#context, asked.query);
    if (name === 'events' && of !== undefined) return this.#events(asked, of, who);
    const { view } = this.#view(of === undefined ? name : '');
    return json(200, await view(this.#context, asked.query));
  }

  /** @param {string} path @returns {Answer} */
  #file(path) {
    if (!path.startsWith('/assets/')) return page(200, this.#setup.basePath, 'page');
    const answer = asset(path.slice('/assets/'.length));
    if (answer === null) throw new Problem(404, 'NOT_FOUND', 'there is nothing here');
    return answer;
  }

  /** @param {string} name */
  #view(name) {
    if (!Object.hasOwn(VIEWS, name)) throw new Problem(404, 'NOT_FOUND', 'there is nothing here');
    return VIEWS[name];
  }

  /** @param {Who} who */
  #session({ user, role }) {
    const { readOnly, signIn } = this.#setup;
    const mayOperate = role === 'operate' && !readOnly;
    return json(200, { user, mayOperate, readOnly, maySignOut: signIn !== undefined, version });
  }

  /** @param {Asked} asked @param {string} name @param {Who} who */
  #events(asked, name, who) {
    const { view, pauseMs } = this.#view(name);
    if (asked.method !== 'GET') throw new Problem(405, 'METHOD_NOT_ALLOWED', 'a stream is read');
    const { query } = asked;
    return this.#streams.open({
      key: `${name}?${query}`,
      look: () => view(this.#context, query),
      pauseMs,
      mayRead: () => this.#isStill(who, asked),
    });
  }

  /** Whether a request would be let in now as the same user. @param {Who} who @param {Asked} asked */
  async #isStill(who, asked) {
    try {
      const now = await this.#setup.authenticate(asked);
      return now !== null && now.user === who.user;
    } catch (error) {
      this.#setup.onFault(error);
      return false;
    }
  }

  /** @param {Asked} asked @param {string} path @param {Who} who @returns {Promise<Answer>} */
  async #change(asked, path, who) {
    checkSite(asked);
    checkIsJson(asked);
    const { client, readOnly, signIn } = this.#setup;
    if (signIn && path === '/api/sign-out') {
      signIn.leave(asked);
      return json(200, {});
    }
    const name = /^\/api\/actions\/(\w+)$/.exec(path)?.[1];
    if (name === undefined) throw new Problem(404, 'NOT_FOUND', 'there is nothing here');
    checkMayOperate(who, readOnly);
    return json(200, await act(name, client, await asked.readBody(), who));
  }
}

module.exports = { Dashboard };
