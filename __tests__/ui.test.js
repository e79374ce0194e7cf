'use strict';

/** Who gets in to the page, and what is refused. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createDashboard, serve } = require('../ui/index.js');
const { withStore } = require('./support/harness.js');
const { OWN, Visitor, ask, mounted, served, signIn, tokenOf } = require('./support/ui.js');

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "frame-ancestors 'none'; form-action 'none'; base-uri 'none'";

async function withInstance(t) {
  const h = await withStore(t);
  await h.client.startOrchestration('one', 'Nobody', { card: '4111' });
  return h;
}

test('createDashboard without authenticate throws', async (t) => {
  const { client } = await withStore(t);
  assert.throws(() => createDashboard(client), /authenticate must be a function/);
  assert.throws(() => createDashboard(client, { readOnly: true }), TypeError);
  assert.throws(() => createDashboard(client, { authenticate: true }), TypeError);
  createDashboard(client, { authenticate: false });
});

test('other wrong arguments are named', async (t) => {
  const { client } = await withStore(t);
  const authenticate = false;
  assert.throws(() => createDashboard({}, { authenticate }), /client must be a Client/);
  for (const basePath of ['duroxide', '/duroxide/', '/a"b', '/a b', 7]) {
    assert.throws(() => createDashboard(client, { authenticate, basePath }), /basePath must be/);
  }
  assert.throws(() => createDashboard(client, { authenticate, readonly: true }), /option readonly/);
  assert.throws(() => createDashboard(client, { authenticate, redact: true }), /redact must be/);
  await assert.rejects(serve({ client, port: 70_000 }), RangeError);
  await assert.rejects(serve({}), /client must be a Client/);
});

test('every answer has the headers, whatever it is', async (t) => {
  const { client } = await withInstance(t);
  const { url, token } = await served(t, client);
  const { visitor } = await signIn(url, token);
  const nobody = new Visitor(url);
  const answers = [
    await nobody.ask('/'),
    await nobody.ask('/api/session'),
    await nobody.ask('/', { headers: { host: 'evil.example' } }),
    await visitor.ask('/'),
    await visitor.ask('/instance?id=one'),
    await visitor.ask('/assets/page.js'),
    await visitor.ask('/assets/nothing.js'),
    await visitor.ask('/api/instances'),
    await visitor.ask('/api/instance?id=other'),
    await visitor.ask('/api/history.jsonl?id=one'),
    await visitor.ask('/', { method: 'DELETE' }),
    await visitor.ask('/api/actions/cancel', { method: 'POST' }),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [401, 401, 403, 200, 200, 200, 404, 200, 404, 200, 405, 403],
  );
  for (const { headers } of answers) {
    assert.equal(headers['content-security-policy'], CSP);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['cache-control'], 'no-store');
  }
});

test('the link has 128 random bits in its fragment, which become a cookie once', async (t) => {
  const { client } = await withStore(t);
  const { page, url, links, token } = await served(t, client);
  assert.deepEqual(links, [page.link]);
  assert.equal(Buffer.from(token, 'base64url').length, 16);
  assert.match(page.link, /^http:\/\/127\.0\.0\.1:\d+\/#token=/);
  const other = await served(t, client);
  assert.notEqual(other.token, token);

  const wrong = [
    `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`,
    '',
    token.slice(1),
    null,
    17,
    { token },
    other.token,
  ];
  for (const each of wrong) assert.equal((await signIn(url, each)).status, 403);
  const { status, cookie, visitor } = await signIn(url, token);
  assert.equal(status, 200);
  const attributes = cookie.split('; ');
  assert.deepEqual(attributes.slice(1).sort(), ['HttpOnly', 'Path=/', 'SameSite=Strict']);
  assert.ok(!cookie.includes(token));
  assert.equal((await visitor.get('session')).http, 200);
  const again = await signIn(url, token);
  assert.equal(again.status, 403);
  assert.ok(!again.text.includes(token));
});

test('a new link replaces one that was not used', async (t) => {
  const { client } = await withStore(t);
  const { page, url, token } = await served(t, client);
  const next = tokenOf(page.newLink());
  assert.equal((await signIn(url, token)).status, 403);
  assert.equal((await signIn(url, next)).status, 200);
});

test('without a cookie there is nothing but the means to sign in', async (t) => {
  const { client } = await withInstance(t);
  const { url } = await served(t, client);
  const name = `duroxide-ui-${new URL(url).port}`;
  for (const cookie of [undefined, `${name}=`, `${name}=AAAAAAAAAAAAAAAAAAAAAA`, 'other=1; a']) {
    const nobody = new Visitor(url, cookie === undefined ? {} : { cookie });
    for (const path of ['session', 'instances', 'instance?id=one', 'events/instances', 'nothing']) {
      assert.equal((await nobody.ask(`/api/${path}`)).status, 401, path);
    }
    assert.equal((await nobody.ask('/assets/page.js')).status, 401);
    assert.equal((await nobody.act('terminate', { id: 'one' })).http, 401);
    const { status, text } = await nobody.ask('/instances');
    assert.equal(status, 401);
    assert.match(text, /sign-in\.js/);
    assert.equal((await nobody.ask('/assets/sign-in.js')).status, 200);
  }
  assert.equal((await client.getStatus('one')).status, 'Running');
});

test('only the names of this machine with the port are answered', async (t) => {
  const { client } = await withStore(t);
  const { url, token } = await served(t, client);
  const { visitor } = await signIn(url, token);
  const { port } = new URL(url);
  const asking = async (host) => (await visitor.ask('/api/session', { headers: { host } })).status;
  for (const name of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST']) {
    assert.equal(await asking(`${name}:${port}`), 200, name);
  }
  const wrong = [
    'localhost',
    `evil.example:${port}`,
    'localhost:1',
    `localhost.evil.example:${port}`,
    `127.0.0.1.evil.example:${port}`,
    `0.0.0.0:${port}`,
    `localhost:${port}0`,
  ];
  for (const host of wrong) assert.equal(await asking(host), 403, host);
  const { status } = await ask(`${url}/api/sign-in`, {
    method: 'POST',
    headers: { ...OWN, host: 'evil.example' },
    body: '{}',
  });
  assert.equal(status, 403);
});

test('it listens on 127.0.0.1 only', async (t) => {
  const { client } = await withStore(t);
  const { url } = await served(t, client);
  assert.equal(new URL(url).hostname, '127.0.0.1');
  const other = Object.values(require('node:os').networkInterfaces())
    .flat()
    .find(({ internal, family }) => !internal && family === 'IPv4');
  if (other === undefined) return t.skip('this machine has no other address');
  await assert.rejects(ask(`http://${other.address}:${new URL(url).port}/`), /ECONNREFUSED/);
});

test('changes come from the page itself, as JSON', async (t) => {
  const { client } = await withInstance(t);
  const { url, visitor } = await mounted(t, client, { readOnly: false });
  const { host } = new URL(url);
  const json = { 'content-type': 'application/json' };
  const refused = [
    json,
    { ...json, 'sec-fetch-site': 'cross-site' },
    { ...json, 'sec-fetch-site': 'same-site' },
    { ...json, 'sec-fetch-site': 'none' },
    { ...json, 'sec-fetch-site': 'cross-site', origin: `http://${host}` },
    { ...json, origin: 'null' },
    { ...json, origin: 'http://evil.example' },
    { ...json, origin: `http://${host}.evil.example` },
    { ...json, origin: `http://${host}/` },
    { ...json, origin: 'http://127.0.0.1:1' },
    { ...json, origin: `ftp://${host}` },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' },
    { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' },
    { 'sec-fetch-site': 'same-origin', 'content-type': 'application/jsonp' },
  ];
  for (const headers of refused) {
    const { http } = await visitor.act('terminate', { id: 'one' }, headers);
    assert.equal(http, 403, JSON.stringify(headers));
  }
  assert.equal((await visitor.ask('/api/actions/terminate?id=one')).status, 404);
  assert.equal((await client.getStatus('one')).status, 'Running');
  const allowed = [
    { ...json, 'sec-fetch-site': 'same-origin' },
    { ...json, origin: `http://${host}` },
    { ...json, origin: `https://${host}` },
    { 'content-type': 'application/json; charset=utf-8', 'sec-fetch-site': 'same-origin' },
  ];
  for (const headers of allowed) {
    const { http } = await visitor.act('raise', { id: 'one', name: 'x' }, headers);
    assert.equal(http, 200, JSON.stringify(headers));
  }
});

test('what is read is not for other sites either', async (t) => {
  const { client } = await withInstance(t);
  const { visitor } = await mounted(t, client);
  for (const site of ['cross-site', 'same-site']) {
    for (const path of ['instances', 'session', 'events/instances', 'history.jsonl?id=one']) {
      const headers = { 'sec-fetch-site': site };
      assert.equal((await visitor.ask(`/api/${path}`, { headers })).status, 403);
    }
  }
});

test('authenticate says who looks, and who operates', async (t) => {
  const h = await withInstance(t);
  const roles = { ada: 'operate', bob: 'read' };
  const authenticate = ({ headers: { authorization: user } }) =>
    roles[user] ? { user, role: roles[user] } : null;
  const { url } = await mounted(t, h.client, { authenticate, readOnly: false });
  const [ada, bob, eve] = ['ada', 'bob', 'eve'].map(
    (authorization) => new Visitor(url, { authorization }),
  );
  assert.deepEqual(await eve.get('instances'), {
    http: 401,
    error: { code: 'UNAUTHENTICATED', message: 'sign in first' },
  });
  for (const path of ['/', '/assets/page.js', '/assets/sign-in.js', '/api/events/instances']) {
    assert.equal((await eve.ask(path)).status, 401, path);
  }
  assert.equal((await eve.act('terminate', { id: 'one' })).http, 401);
  assert.equal((await bob.get('instances')).instances.length, 1);
  const session = await bob.get('session');
  assert.deepEqual([session.user, session.mayOperate], ['bob', false]);
  assert.equal((await bob.act('terminate', { id: 'one' })).http, 403);
  assert.equal((await h.client.getStatus('one')).status, 'Running');
  assert.equal((await ada.get('session')).mayOperate, true);
  assert.equal((await ada.act('terminate', { id: 'one', reason: 'enough' })).http, 200);
  await h.start({ orchestrations: { *Nobody() {} } });
  assert.match((await h.wait('one')).error, /enough, by ada$/);
});

test('mounted, it is read only unless said otherwise', async (t) => {
  const { client } = await withInstance(t);
  const authenticate = () => ({ user: 'ada', role: 'operate' });
  const { visitor } = await mounted(t, client, { authenticate });
  const { http, error } = await visitor.act('terminate', { id: 'one' });
  assert.deepEqual([http, error.code], [403, 'READ_ONLY']);
  assert.equal((await visitor.get('session')).mayOperate, false);
  const open = await mounted(t, client, { authenticate: false });
  assert.equal((await open.visitor.act('terminate', { id: 'one' })).http, 403);
});

test('an answer of authenticate that is no clear yes lets nobody in', async (t) => {
  const { client } = await withInstance(t);
  const answers = [true, {}, { user: 'ada' }, { user: 'ada', role: 'admin' }, { role: 'read' }];
  for (const answer of answers) {
    const faults = [];
    const options = { authenticate: async () => answer, onError: (error) => faults.push(error) };
    const { visitor } = await mounted(t, client, options);
    assert.equal((await visitor.get('instances')).http, 500);
    assert.match(faults[0].message, /authenticate must give null or/);
  }
  const fails = () => {
    throw new Error('the directory of postgres://user:secret@host is away');
  };
  const { visitor } = await mounted(t, client, { authenticate: fails, onError: () => {} });
  const { status, text } = await visitor.ask('/api/instances');
  assert.equal(status, 500);
  assert.doesNotMatch(text, /secret|at |\.js/);
});

test('errors say what is wrong, and have no stack', async (t) => {
  const { client } = await withInstance(t);
  const { visitor } = await mounted(t, client, { readOnly: false });
  const wrong = [
    [await visitor.get('instance?id=other'), 404, 'INSTANCE_NOT_FOUND'],
    [await visitor.get('instance'), 400, 'INVALID_INPUT'],
    [await visitor.get('instances?status=Sleeping'), 400, 'INVALID_INPUT'],
    [await visitor.get('instances?createdFrom=yesterday'), 400, 'INVALID_INPUT'],
    [await visitor.act('raise', { id: 'one', name: 'x'.repeat(3000) }), 400, 'LIMIT_EXCEEDED'],
    [await visitor.get('nothing'), 404, 'NOT_FOUND'],
    [await visitor.get('constructor'), 404, 'NOT_FOUND'],
    [await visitor.get('events/__proto__'), 404, 'NOT_FOUND'],
    [await visitor.act('constructor', {}), 404, 'NOT_FOUND'],
    [await visitor.act('cancel', {}), 400, 'INVALID_INPUT'],
    [await visitor.act('cancel', { id: 7 }), 400, 'INVALID_INPUT'],
    [await visitor.act('cancel', { id: 'one', graceMs: -1 }), 400, 'INVALID_INPUT'],
    [await visitor.act('cancel', []), 400, 'INVALID_INPUT'],
    [await visitor.act('delete', { id: 'one' }), 409, 'STILL_RUNNING'],
    [await visitor.act('retry', { id: 'one' }), 409, 'CANNOT_REPAIR'],
  ];
  for (const [{ http, error }, wantedStatus, code] of wrong) {
    assert.deepEqual([http, error.code], [wantedStatus, code], error.message);
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message']);
    assert.doesNotMatch(error.message, /\n|\.js:/);
  }
  const options = { method: 'POST', headers: OWN, body: '{"id":' };
  assert.equal((await visitor.ask('/api/actions/cancel', options)).status, 400);
});

test('requests have at most 1 MiB', async (t) => {
  const { client } = await withInstance(t);
  const { url, visitor } = await mounted(t, client, { readOnly: false });
  const data = (bytes) => ({ id: 'one', name: 'x', data: 'y'.repeat(bytes) });
  assert.equal((await visitor.act('raise', data((1 << 20) - 100))).http, 200);
  assert.equal((await visitor.act('raise', data(1 << 20))).http, 413);
  // Without a length, the bytes are counted.
  const body = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(1 << 18).fill(120)),
  });
  const options = { method: 'POST', headers: OWN, body, duplex: 'half' };
  const answer = await fetch(`${url}/api/actions/raise`, options).catch((error) => error);
  if (!(answer instanceof Error)) assert.equal(answer.status, 413);
  assert.equal((await visitor.get('session')).http, 200);
});

test('there are at most 20 streams', async (t) => {
  const { client } = await withInstance(t);
  const { visitor } = await mounted(t, client);
  const streams = [];
  for (let i = 0; i < 20; i++) streams.push(await visitor.follow(`instances?idPrefix=${i}`));
  assert.ok(streams.every(({ status }) => status === 200));
  const refused = await visitor.follow('instances');
  assert.equal(refused.status, 503);
  await streams[0].close();
  for (;;) {
    const next = await visitor.follow('instances');
    if (next.status === 200) {
      assert.equal((await next.next()).data.instances.length, 1);
      break;
    }
  }
});

test('a stream ends when its user would no longer be let in', async (t) => {
  const h = await withInstance(t);
  let isIn = true;
  const authenticate = () => (isIn ? { user: 'ada', role: 'read' } : null);
  const { visitor } = await mounted(t, h.client, { authenticate });
  const stream = await visitor.follow('instance?id=one');
  assert.equal((await stream.next()).data.instanceId, 'one');
  isIn = false;
  assert.equal((await stream.next()).event, 'leave');
  assert.equal(await stream.next(), null);
  isIn = true;
  const another = await visitor.follow('instance?id=one');
  await another.next();
});

test('who signs out is out, and his streams end', async (t) => {
  const { client } = await withInstance(t);
  const { url, token } = await served(t, client);
  const { visitor } = await signIn(url, token);
  const stream = await visitor.follow('instance?id=one');
  await stream.next();
  const options = { method: 'POST', headers: OWN, body: '{}' };
  assert.equal((await visitor.ask('/api/sign-out', options)).status, 200);
  assert.equal((await stream.next()).event, 'leave');
  assert.equal(await stream.next(), null);
  assert.equal((await visitor.get('session')).http, 401);
});

test('what is mounted leaves other addresses alone', async (t) => {
  const { client } = await withInstance(t);
  const { url, dashboard, visitor } = await mounted(t, client, { basePath: '/admin/flows' });
  assert.match((await visitor.ask('')).text, /data-base="\/admin\/flows"/);
  assert.equal((await visitor.get('instances')).instances.length, 1);
  const top = new Visitor(new URL(url).origin);
  for (const path of ['/', '/api/instances', '/admin', '/admin/flowsX/api/instances']) {
    assert.equal((await top.ask(path)).status, 404, path);
  }
  let passed = 0;
  const request = { method: 'GET', url: '/other', headers: {} };
  await dashboard.handler(request, {}, () => {
    passed += 1;
  });
  assert.equal(passed, 1);
});

test('a framework may have cut the path and read the body', async (t) => {
  const { client } = await withInstance(t);
  const options = { authenticate: false, basePath: '/d', readOnly: false };
  const { handler } = createDashboard(client, options);
  const answers = [];
  const response = {
    destroyed: false,
    writeHead: (status) => answers.push(status),
    end: (text) => answers.push(JSON.parse(text)),
  };
  await handler(
    {
      method: 'POST',
      url: '/api/actions/raise',
      originalUrl: '/d/api/actions/raise',
      headers: OWN,
      body: { id: 'one', name: 'x' },
    },
    response,
  );
  assert.deepEqual(answers, [200, { status: 'Running' }]);
});

test('fetch handles what the handler does', async (t) => {
  const { client } = await withInstance(t);
  const authenticate = (request) =>
    request.headers.get('authorization') === 'ada' ? { user: 'ada', role: 'operate' } : null;
  const options = { authenticate, basePath: '/d', readOnly: false };
  const { fetch: handle, close } = createDashboard(client, options);
  t.after(close);
  const asking = (path, init = {}) =>
    handle(
      new Request(`https://shop.example/d${path}`, {
        ...init,
        headers: { authorization: 'ada', ...init.headers },
      }),
    );
  const nobody = await asking('/api/instances', { headers: { authorization: 'eve' } });
  assert.equal(nobody.status, 401);
  assert.equal(nobody.headers.get('content-security-policy'), CSP);
  assert.equal((await (await asking('/api/instances')).json()).instances.length, 1);
  const post = { method: 'POST', body: JSON.stringify({ id: 'one', name: 'x' }) };
  const json = { 'content-type': 'application/json' };
  const raise = (headers) => asking('/api/actions/raise', { ...post, headers });
  assert.equal((await raise(json)).status, 403);
  assert.equal((await raise({ ...json, origin: 'http://shop.example' })).status, 403);
  assert.equal((await raise({ ...json, origin: 'https://shop.example' })).status, 200);
  const large = { method: 'POST', body: 'x'.repeat((1 << 20) + 1), headers: OWN };
  assert.equal((await asking('/api/actions/raise', large)).status, 413);
  const stream = await asking('/api/events/instances');
  const reader = stream.body.getReader();
  let text = '';
  while (!text.includes('event: data')) text += Buffer.from((await reader.read()).value).toString();
  assert.match(text, /"instanceId":"one"/);
  await reader.cancel();
});
