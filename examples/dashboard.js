'use strict';

/** The page in an application of node:http, for those who have a password. */

const http = require('node:http');
const { Client, Runtime, SqliteProvider } = require('duroxide');
// Elsewhere: require('@duroxide/ui')
const { createDashboard } = require('../ui/index.js');

/** Whoever the application knows; here, by a token that its proxy has put into a header. */
const USERS = {
  'ada-token': { user: 'ada', role: 'operate' },
  'bob-token': { user: 'bob', role: 'read' },
};

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });
  runtime.registerOrchestration('Approval', function* (ctx) {
    ctx.setCustomStatus('waiting');
    return yield ctx.waitForEvent('approved');
  });
  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('approval-1', 'Approval', { card: '4111 1111' });
  await client.waitForStatusChange('approval-1', 0);

  const dashboard = createDashboard(client, {
    basePath: '/duroxide',
    readOnly: false,
    authenticate: (request) => USERS[request.headers.authorization] ?? null,
    redact: (value, { kind }) => (kind === 'input' ? '[hidden]' : value),
  });
  const server = http.createServer((req, res) =>
    dashboard.handler(req, res, () => res.end('the shop itself')),
  );
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;

  console.log('/', await (await fetch(url)).text());
  for (const token of ['eve-token', 'bob-token', 'ada-token']) {
    const headers = { authorization: token };
    const page = await fetch(`${url}/duroxide/instances`, { headers });
    console.log(token, 'sees the page:', page.ok);
    // As the page does it.
    const raised = await fetch(`${url}/duroxide/api/actions/raise`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', origin: url },
      body: JSON.stringify({ id: 'approval-1', name: 'approved', data: 'yes' }),
    });
    console.log(token, 'raises an event:', raised.ok);
  }
  const { output } = await client.waitForOrchestration('approval-1');
  console.log('approval-1:', output);

  dashboard.close();
  server.close();
  server.closeAllConnections();
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
/ the shop itself
eve-token sees the page: false
eve-token raises an event: false
bob-token sees the page: true
bob-token raises an event: false
ada-token sees the page: true
ada-token raises an event: true
approval-1: yes
*/
