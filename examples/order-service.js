'use strict';

/**
 * An order saga behind an HTTP service: start, status, approve, cancel, and an end in good order at
 * SIGTERM. With PORT in the environment it serves until then; without, it plays its own customers.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { startService } = require('./order-service/service.js');

/** Resolves once the service has stopped because the process was asked to end. */
function stopped(service) {
  return new Promise((resolve, reject) => {
    process.once('SIGTERM', () => service.stop().then(resolve, reject));
  });
}

/** A customer, who says what they got. */
function customerOf(url) {
  const call = async (method, route, body) => {
    const init = { method, body: body && JSON.stringify(body) };
    const response = await fetch(`${url}${route}`, init);
    return [response.status, await response.json()];
  };
  const until = async (id, isEnough) => {
    for (;;) {
      const [, view] = await call('GET', `/orders/${id}`);
      if (isEnough(view)) return view;
      await sleep(10);
    }
  };
  return {
    call,
    step: (id, step) => until(id, (view) => view.step === step && view.state === 'running'),
    end: (id) => until(id, (view) => view.state !== 'running'),
  };
}

const show = (what, value) => console.log(`${what}: ${JSON.stringify(value)}`);

async function play(file) {
  const world = [];
  const first = await startService({ file, port: 0, world });
  const end = stopped(first);
  const { call, step, end: ended } = customerOf(first.url);

  for (const id of ['lamp', 'desk', 'chair']) {
    await call('POST', '/orders', { id, items: id, card: `card of ${id}` });
    await step(id, 'waits for approval');
  }
  show('lamp is approved', await call('POST', '/orders/lamp/approve', { by: 'Ada' }));
  show('lamp', await ended('lamp'));
  world.length = 0;
  show('desk is cancelled', await call('POST', '/orders/desk/cancel', { reason: 'too large' }));
  show('desk', await ended('desk'));
  show('undone', world);
  show('desk again', await call('POST', '/orders/desk/cancel', { reason: 'too large' }));
  show('sofa', await call('GET', '/orders/sofa'));

  process.emit('SIGTERM'); // as a supervisor would, with a signal
  await end;
  console.log('the service has stopped');

  const second = await startService({ file, port: 0, world });
  const later = customerOf(second.url);
  await later.call('POST', '/orders/chair/approve', { by: 'Bob' });
  show('chair, after a restart', await later.end('chair'));
  await second.stop();
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'order-service-'));
  const { PORT: port, ORDERS: file = path.join(folder, 'orders.db') } = process.env;
  if (port === undefined) {
    await play(file);
  } else {
    const service = await startService({ file, port: Number(port), world: [] });
    console.log(`serving at ${service.url}`);
    await stopped(service);
  }
  fs.rmSync(folder, { recursive: true });
}

main();

/* Output:
lamp is approved: [202,{"state":"accepted"}]
lamp: {"id":"lamp","state":"shipped","tracking":"parcel of lamp"}
desk is cancelled: [202,{"state":"accepted"}]
desk: {"id":"desk","state":"cancelled","step":"undone"}
undone: ["refund card of desk","restock desk"]
desk again: [409,{"error":"the order has ended"}]
sofa: [404,{"error":"there is no such order"}]
the service has stopped
chair, after a restart: {"id":"chair","state":"shipped","tracking":"parcel of chair"}
*/
