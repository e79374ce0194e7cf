'use strict';

/**
 * How people get in where the page is served by itself: whoever started it has a link whose fragment holds
 * a token, which is good for one sign-in and becomes a cookie. Tokens and cookies are never logged.
 */

const { randomBytes } = require('node:crypto');
const { isSameSecret } = require('./guard.js');
const { Problem } = require('./problem.js');

const SECRET_BYTES = 16;
const MOST_SESSIONS = 100;

class SignIn {
  /** @type {string | null} */
  #token = null;
  /** @type {string[]} */
  #sessions = [];
  #user;
  #cookie = '';

  /** @param {string} user */
  constructor(user) {
    this.#user = user;
  }

  /** Cookies are the same for all ports of a host, so that each port has a name of its own. @param {number} port */
  servedAt(port) {
    this.#cookie = `duroxide-ui-${port}`;
  }

  /** Makes a token; the one before is good no longer. */
  newToken() {
    this.#token = randomBytes(SECRET_BYTES).toString('base64url');
    return this.#token;
  }

  /**
   * Exchanges the token for the text of a Set-Cookie header.
   *
   * @param {unknown} token
   * @param {string} basePath
   */
  exchange(token, basePath) {
    const isRight =
      typeof token === 'string' && this.#token !== null && isSameSecret(token, this.#token);
    if (!isRight) {
      throw new Problem(
        403,
        'FORBIDDEN',
        'this link is wrong or was used already: ask for a new one',
      );
    }
    this.#token = null;
    const session = randomBytes(SECRET_BYTES).toString('base64url');
    this.#sessions = [...this.#sessions.slice(1 - MOST_SESSIONS), session];
    return `${this.#cookie}=${session}; HttpOnly; SameSite=Strict; Path=${basePath || '/'}`;
  }

  /** @param {import('./http.js').Asked} asked @returns {import('./guard.js').Who | null} */
  whoIs(asked) {
    const session = this.#sessionOf(asked.header('cookie') ?? '');
    return session === undefined ? null : { user: this.#user, role: 'operate' };
  }

  /** Ends the session that a request belongs to. @param {import('./http.js').Asked} asked */
  leave(asked) {
    const session = this.#sessionOf(asked.header('cookie') ?? '');
    this.#sessions = this.#sessions.filter((each) => each !== session);
  }

  /** @param {string} cookies */
  #sessionOf(cookies) {
    const pairs = cookies.split(';').map((pair) => pair.trim());
    const own = pairs.filter((pair) => pair.startsWith(`${this.#cookie}=`));
    const values = own.map((pair) => pair.slice(this.#cookie.length + 1));
    return this.#sessions.find((session) => values.some((value) => isSameSecret(value, session)));
  }
}

module.exports = { SignIn };
