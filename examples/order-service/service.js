'use strict';

/**
 * The HTTP service of order-service.js. The handlers are all that a framework would have of it: in
 * Fastify or Express each becomes a route.
 */

const http = require('node:http');
const { Client, Runtime, SqliteProvider } = require('duroxide');
const { Approved, Order, activitiesOf, order } = require('./workflow.js');

/** What an order is to customers. */
function viewOf(id, { status, customStatus, output, failure }) {
  if (status === 'Completed') return { id, state: 'shipped', ...output };
  if (status === 'Failed') {
    return { id, state: failure.kind === 'cancelled' ? 'cancelled' : 'failed', step: customStatus };
  }
  return { id, state: 'running', step: customStatus };
}

/** What was sent reaches a running order only. */
const sent = (state) =>
  ({ Running: [202, { state: 'accepted' }], NotFound: [404, { error: 'there is no such order' }] })[
    state
  ] ?? [409, { error: 'the order has ended' }];

function routesOf(client) {
  return {
    // The id of the order is that of the instance: a request that is repeated starts nothing twice.
    'POST /orders': async (_id, { id, items, card }) => {
      await client.start(Order, id, { items, card });
      return [202, { id, state: 'accepted' }];
    },
    'GET /orders/:id': async (id) => {
      const status = await client.getStatus(id, { parsed: true });
      if (status.status === 'NotFound') return [404, { error: 'there is no such order' }];
      return [200, viewOf(id, status)];
    },
    'POST /orders/:id/approve': async (id, { by }) =>
      sent(await client.raiseEvent(id, Approved, { by })),
    'POST /orders/:id/cancel': async (id, { reason }) =>
      sent(await client.cancelInstance(id, reason)),
  };
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text === '' ? {} : JSON.parse(text);
}

async function answer(routes, request) {
  const [, place, id, action] = request.url.split('/');
  const path = [place, id && ':id', action].filter(Boolean).join('/');
  const route = routes[`${request.method} /${path}`];
  if (route === undefined) return [404, { error: 'there is no such route' }];
  try {
    return await route(id && decodeURIComponent(id), await bodyOf(request));
  } catch (error) {
    // Wrong arguments are for who has sent them; what else is wrong is ours.
    const isTheirs = error instanceof TypeError || error instanceof SyntaxError;
    return [isTheirs ? 400 : 500, { error: error.message }];
  }
}

/** Opens the store, runs the workflows and serves them. */
async function startService({ file, port, world }) {
  const store = await SqliteProvider.open(file);
  // A deployment that does not fit holds what runs, and the next one goes on with it.
  const runtime = new Runtime(store, { logLevel: 'error', onNondeterminism: 'hold' });
  runtime.register(order, ...activitiesOf(world));
  await runtime.start();
  const routes = routesOf(new Client(store));

  const server = http.createServer(async (request, response) => {
    const [status, body] = await answer(routes, request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(port, resolve));

  /** First no more requests, then what runs; whatever waits goes on where the next process is. */
  const stop = async () => {
    server.closeIdleConnections();
    await new Promise((resolve) => server.close(resolve));
    await runtime.shutdown(10_000);
    await store.close();
  };
  return { url: `http://localhost:${server.address().port}`, stop };
}

module.exports = { startService };
