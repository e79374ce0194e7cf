'use strict';

/** An endpoint for Prometheus: what a runtime tells of itself and of its store. */

const http = require('node:http');
const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'error' });
  runtime.registerActivity('greet', async (_ctx, name) => `Hello, ${name}!`);
  runtime.registerOrchestration('Greet', function* (ctx, name) {
    return yield ctx.scheduleActivity('greet', name);
  });
  await runtime.start();
  const greet = await new Client(store).start('Greet', 'greet-1', 'Ada');
  await greet.result();

  const server = http.createServer(async (_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
    response.end(await runtime.prometheus());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/metrics`);
  const lines = (await answer.text()).split('\n');
  console.log(lines.find((line) => line.startsWith('duroxide_executions_ended_total')));
  console.log(lines.find((line) => line.startsWith('duroxide_activity_run_seconds_count')));

  // The same as data, for other systems.
  const measures = await runtime.measure();
  console.log(measures.find(({ name }) => name === 'duroxide.runtimes').points[0].value);

  server.closeAllConnections();
  server.close();
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
duroxide_executions_ended_total{status="completed"} 1
duroxide_activity_run_seconds_count{activity="greet",outcome="ok"} 1
1
*/
