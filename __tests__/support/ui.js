'use strict';

/** The page without a browser: served by itself or mounted, and asked as a browser would. */

const http = require('node:http');
const { createDashboard, serve } = require('../../ui/index.js');
const { PATIENCE_MS } = require('./harness.js');

/** The headers of what a page asks its own server. */
const OWN = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };

/** Asks by node:http, which sends every header as it is told. */
function ask(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Somebody who has a page open: asks with a cookie, or with whatever tells who he is. */
class Visitor {
  constructor(url, headers = {}) {
    this.url = url;
    this.headers = headers;
  }

  ask(path, { headers, ...options } = {}) {
    return ask(`${this.url}${path}`, { ...options, headers: { ...this.headers, ...headers } });
  }

  async get(path) {
    const { status, text } = await this.ask(`/api/${path}`);
    return { http: status, ...JSON.parse(text) };
  }

  async act(name, body, headers = OWN) {
    const options = { method: 'POST', headers, body: JSON.stringify(body) };
    const { status, text } = await this.ask(`/api/actions/${name}`, options);
    return { http: status, ...JSON.parse(text) };
  }

  /** Opens the event stream of a view. */
  async follow(view) {
    const response = await fetch(`${this.url}/api/events/${view}`, { headers: this.headers });
    return new Events(response);
  }
}

/** What a stream of events says, one after another. */
class Events {
  #reader;
  #text = '';

  constructor(response) {
    this.status = response.status;
    this.headers = response.headers;
    this.#reader = response.body.getReader();
  }

  /** Gives the next event with data, or null at the end. */
  async next() {
    for (;;) {
      const at = this.#text.indexOf('\n\n');
      if (at >= 0) {
        const block = this.#text.slice(0, at);
        this.#text = this.#text.slice(at + 2);
        const event = /^event: (.*)$/m.exec(block)?.[1];
        if (event) return { event, data: JSON.parse(/^data: (.*)$/m.exec(block)[1]) };
        continue;
      }
      const { done, value } = await this.#reader.read();
      if (done) return null;
      this.#text += Buffer.from(value).toString();
    }
  }

  /** Goes on until an event is as a test wants it. */
  async until(isWanted) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const event = await this.next();
      if (event === null || isWanted(event)) return event;
      if (Date.now() > deadline) throw new Error(`the last event was ${JSON.stringify(event)}`);
    }
  }

  close() {
    return this.#reader.cancel();
  }
}

/** The page by itself, and the token of its link. */
async function served(t, client, options) {
  const links = [];
  const page = await serve({ client, print: (link) => links.push(link), ...options });
  t.after(() => page.close());
  const url = page.url.replace(/\/$/, '');
  return { page, url, links, token: tokenOf(page.link) };
}

function tokenOf(link) {
  return new URL(link).hash.replace('#token=', '');
}

/** Exchanges a token for a visitor with a cookie. */
async function signIn(url, token) {
  const options = { method: 'POST', headers: OWN, body: JSON.stringify({ token }) };
  const { status, headers, text } = await ask(`${url}/api/sign-in`, options);
  if (status !== 200) return { status, text };
  const cookie = headers['set-cookie'][0];
  return { status, cookie, visitor: new Visitor(url, { cookie: cookie.split(';')[0] }) };
}

/** The page in an application of node:http. */
async function mounted(t, client, options) {
  const dashboard = createDashboard(client, { authenticate: false, ...options });
  const server = http.createServer((req, res) => dashboard.handler(req, res));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    dashboard.close();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${server.address().port}${options?.basePath ?? ''}`;
  return { dashboard, url, visitor: new Visitor(url) };
}

module.exports = { OWN, Visitor, ask, mounted, served, signIn, tokenOf };
