'use strict';

/** What an orchestration says to other instances. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { defineEvent, defineQueue } = require('../lib/duroxide.js');
const { completed, failed, withRuntime, withStore } = require('./support/harness.js');

const Lines = defineQueue('lines');
const Ping = defineEvent('ping');

/** Takes messages of a queue until one says that there are no more. */
function* Listener(ctx, queue) {
  const heard = [];
  ctx.setCustomStatus('listens');
  for (;;) {
    const line = yield ctx.dequeueEvent(queue ?? 'lines');
    if (line === 'end') return heard;
    heard.push(line);
  }
}

test('messages reach the queue of another instance, in their order', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      Listener,
      *Teller(ctx, to) {
        ctx.send(to, 'lines', { n: 1 });
        ctx.send(to, Lines, 2);
        yield ctx.scheduleTimer(1);
        ctx.send(to, Lines);
        ctx.send(to, Lines, 'end');
      },
    },
  });
  const listener = await h.launch('Listener');
  completed(await h.run('Teller', listener));
  assert.deepEqual(completed(await h.wait(listener)), [{ n: 1 }, 2, null]);
});

test('signals reach whoever waits, defined events are kept, and a cancellation ends', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waiter(ctx) {
        ctx.setCustomStatus('waits');
        const now = yield ctx.waitForEvent('now');
        return [now, yield ctx.waitForEvent(Ping)];
      },
      *Sleeper(ctx) {
        yield ctx.waitForEvent('never');
      },
      *Teller(ctx, { waiter, sleeper }) {
        ctx.raise(waiter, Ping, 'kept');
        ctx.raise(waiter, 'now', 'signal');
        ctx.cancelInstance(sleeper, 'enough');
        ctx.cancelInstance('nobody');
      },
    },
  });
  const [waiter, sleeper] = [await h.launch('Waiter'), await h.launch('Sleeper')];
  await h.until(waiter, 'waits');
  completed(await h.run('Teller', { waiter, sleeper }));
  assert.deepEqual(completed(await h.wait(waiter)), ['signal', 'kept']);
  assert.equal(failed(await h.wait(sleeper)), 'canceled: enough');
});

test('what is said leaves once, however often its code is replayed', async (t) => {
  const orchestrations = {
    Listener,
    *Teller(ctx, to) {
      for (let n = 0; n < 5; n++) {
        ctx.send(to, 'lines', n);
        yield ctx.scheduleTimer(1);
      }
      ctx.setCustomStatus('waits');
      yield ctx.waitForEvent('go');
      ctx.send(to, 'lines', 'end');
    },
  };
  const h = await withRuntime(t, { orchestrations });
  const listener = await h.launch('Listener');
  const teller = await h.launch('Teller', listener);
  await h.until(teller, 'waits');
  await h.restart({ orchestrations });
  await h.client.raiseEvent(teller, 'go');
  completed(await h.wait(teller));
  assert.deepEqual(completed(await h.wait(listener)), [0, 1, 2, 3, 4]);
});

test('what a failing turn has said leaves too, and so does that of one that continues', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      Listener,
      *Fails(_ctx, to) {
        _ctx.send(to, 'lines', 'failed');
        throw new Error('no');
      },
      *Continues(ctx, { to, round }) {
        ctx.send(to, 'lines', round);
        if (round < 3) return yield ctx.continueAsNew({ to, round: round + 1 });
        ctx.send(to, 'lines', 'end');
      },
    },
  });
  const listener = await h.launch('Listener');
  failed(await h.run('Fails', listener));
  completed(await h.run('Continues', { to: listener, round: 1 }));
  assert.deepEqual(completed(await h.wait(listener)), ['failed', 1, 2, 3]);
});

test('a message finds an instance that is started in the same turn, and its own', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      Listener,
      *Starter(ctx) {
        const id = `${ctx.instanceId}-listener`;
        ctx.send(id, 'lines', 'early');
        ctx.send(id, 'lines', 'end');
        yield ctx.startOrchestration('Listener', id);
        ctx.send(ctx.instanceId, 'self', 'note');
        return yield ctx.dequeueEvent('self');
      },
    },
  });
  const starter = await h.launch('Starter');
  assert.equal(completed(await h.wait(starter)), 'note');
  assert.deepEqual(completed(await h.wait(`${starter}-listener`)), ['early']);
});

test('a message is for the life of its moment: a later one under the id never sees it', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      Listener,
      *Teller(ctx, text) {
        ctx.send('listener', 'later', text);
        ctx.send('listener', 'lines', text);
      },
    },
  });
  for (const life of ['first', 'second']) {
    await h.client.startOrchestration('listener', 'Listener', 'later');
    completed(await h.run('Teller', life));
    if (life === 'first') await h.client.deleteInstance('listener', true);
  }
  await h.client.enqueueEvent('listener', 'later', 'end');
  assert.deepEqual(completed(await h.wait('listener')), ['second']);
});

test('a message for nobody waits for a start, as those of clients do', async (t) => {
  const orchestrations = {
    Listener,
    *Teller(ctx) {
      ctx.send('later', Lines, 'kept');
    },
  };
  const h = await withRuntime(t, { orchestrations });
  completed(await h.run('Teller'));
  await h.client.startOrchestration('later', 'Listener');
  await h.client.enqueueEvent('later', Lines, 'end');
  assert.deepEqual(completed(await h.wait('later')), ['kept']);
});

test('many messages of one turn go out in parts, and none twice', async (t) => {
  const many = 2500;
  const h = await withRuntime(t, {
    orchestrations: {
      Listener,
      *Teller(ctx, to) {
        for (let n = 0; n < many; n++) ctx.send(to, 'lines', n);
        ctx.send(to, 'lines', 'end');
      },
    },
  });
  const listener = await h.launch('Listener');
  completed(await h.run('Teller', listener));
  assert.deepEqual(
    completed(await h.wait(listener)),
    Array.from({ length: many }, (_, n) => n),
  );
});

test('what is wrong throws at the call', async (t) => {
  const wrong = [
    [(ctx) => ctx.send(5, 'q', 1), 'TypeError: instanceId must be a string, not the number 5'],
    [(ctx) => ctx.send('', 'q', 1), 'TypeError: instanceId must not be empty'],
    [
      (ctx) => ctx.send('x'.repeat(2601), 'q'),
      'LimitError: instanceId size (2601 bytes) exceeds limit (2600 bytes)',
    ],
    [(ctx) => ctx.send('i', '', 1), 'TypeError: queue must not be empty'],
    [(ctx) => ctx.send('i', Ping, 1), "TypeError: queue must name a queue, but 'ping' is an event"],
    [(ctx) => ctx.send('i', 'q', () => 1), 'TypeError: data is a function, which has no JSON form'],
    [
      (ctx) => ctx.raise('i', Lines, 1),
      "TypeError: event must name an event, but 'lines' is a queue",
    ],
    [(ctx) => ctx.cancelInstance('i', 7), 'TypeError: reason must be a string, not the number 7'],
  ];
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      *Wrong(ctx) {
        return wrong.map(([call]) => {
          try {
            return call(ctx);
          } catch (error) {
            return `${error.name}: ${error.message}`;
          }
        });
      },
    },
  });
  assert.deepEqual(
    completed(await h.run('Wrong')),
    wrong.map(([, text]) => text),
  );
});

test('outside of its own code nothing is said', async (t) => {
  let kept;
  const h = await withRuntime(t, {
    memory: true,
    activities: { Late: () => kept.send('listener', 'lines', 'late') },
    orchestrations: {
      Listener,
      *Keeps(ctx) {
        kept = ctx;
        yield ctx.scheduleActivity('Late');
      },
    },
  });
  await h.client.startOrchestration('listener', 'Listener');
  completed(await h.run('Keeps'));
  await h.client.enqueueEvent('listener', 'lines', 'end');
  assert.deepEqual(completed(await h.wait('listener')), []);
});

test('code that says something to another one diverges, and the error names both', async (t) => {
  const setup = (to) => ({
    orchestrations: {
      *Teller(ctx) {
        ctx.send(to, 'lines', 1);
        ctx.setCustomStatus('waits');
        yield ctx.waitForEvent('go');
      },
    },
  });
  const h = await withStore(t);
  await h.start(setup('one'));
  const id = await h.launch('Teller');
  await h.until(id, 'waits');
  await h.restart(setup('another'));
  await h.client.raiseEvent(id, 'go');
  const error = failed(await h.wait(id));
  assert.match(
    error,
    /action=message 'lines' sent to 'another' with data 1 vs event=message 'lines'/,
  );
  assert.match(error, /sent to 'one'/);
});

test('a history shows what was said', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      *Teller(ctx) {
        ctx.send('other', 'lines', { a: 1 });
        ctx.cancelInstance('other', 'why');
      },
    },
  });
  const id = await h.launch('Teller');
  completed(await h.wait(id));
  const events = await h.client.readExecutionHistory(id, 1);
  const said = events.filter(({ kind }) => kind === 'MessageSent');
  assert.deepEqual(
    said.map(({ data }) => JSON.parse(data)),
    [
      { instance: 'other', what: 'message', name: 'lines', data: { a: 1 } },
      { instance: 'other', what: 'cancellation', data: 'why' },
    ],
  );
});
