'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, signal, withRuntime, withStore } = require('./support/harness.js');

test('E12 external event: code waits for it and gets its data', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Approval(ctx) {
        ctx.setCustomStatus('waiting');
        return { approved: yield ctx.waitForEvent('approval') };
      },
    },
  });
  const id = await h.launch('Approval');
  await h.until(id, 'waiting');
  await h.client.raiseEvent(id, 'approval', { status: 'yes' });
  assert.deepEqual(completed(await h.wait(id)), { approved: { status: 'yes' } });
});

test('E19 stop and resume: an open wait survives its runtime', async (t) => {
  const orchestrations = {
    *Resumed(ctx, input) {
      ctx.setCustomStatus('waiting');
      const data = yield ctx.waitForEvent('continue');
      return { input, data };
    },
  };
  const h = await withStore(t);
  await h.start({ orchestrations });
  const id = await h.launch('Resumed', { key: 'value' });
  await h.until(id, 'waiting');
  assert.equal((await h.client.getStatus(id)).status, 'Running');
  await h.restart({ orchestrations });
  await h.client.raiseEvent(id, 'continue', 42);
  assert.deepEqual(completed(await h.wait(id)), { input: { key: 'value' }, data: 42 });
});

test('E26 hot reload: messages queued early are applied, and none is lost to a lost race', async (t) => {
  const h = await withStore(t);
  const cycled = signal();
  const id = await h.launch('Reloading');
  await h.client.enqueueEvent(id, 'config', { v: 1 });
  await h.client.enqueueEvent(id, 'config', { v: 2 });
  await h.start({
    activities: {
      Cycle(_ctx, n) {
        if (n === 0) cycled.resolve();
        return `cycle:${n}`;
      },
    },
    orchestrations: {
      *Reloading(ctx) {
        const log = [];
        for (let cycle = 0; cycle < 4; cycle++) {
          for (;;) {
            const { index, value } = yield ctx.race(
              ctx.dequeueEvent('config'),
              ctx.scheduleTimer(50),
            );
            if (index === 1) break;
            log.push(`config:${value.v}`);
          }
          log.push(yield ctx.scheduleActivity('Cycle', cycle));
          yield ctx.scheduleTimer(100);
        }
        return log;
      },
    },
  });
  await cycled.promise;
  await h.client.enqueueEvent(id, 'config', { v: 3 });
  const log = completed(await h.wait(id));
  assert.deepEqual(log.slice(0, 3), ['config:1', 'config:2', 'cycle:0']);
  for (const entry of ['config:3', 'cycle:1', 'cycle:2', 'cycle:3']) {
    assert.ok(log.includes(entry), `${entry} is not in ${log}`);
  }
  assert.equal(log.length, 7);
});

test('F13 FIFO: messages come in the order in which they were sent', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Fifo(ctx) {
        ctx.setCustomStatus('waiting');
        const seen = [];
        for (let i = 0; i < 3; i++) seen.push(yield ctx.dequeueEvent('q'));
        return seen;
      },
    },
  });
  const id = await h.launch('Fifo');
  await h.until(id, 'waiting');
  for (const message of ['first', 'second', 'third']) await h.client.enqueueEvent(id, 'q', message);
  assert.deepEqual(completed(await h.wait(id)), ['first', 'second', 'third']);
});

test('F14 isolation: each queue has its own order', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Isolated(ctx) {
        ctx.setCustomStatus('waiting');
        const beta = yield ctx.dequeueEvent('beta');
        const first = yield ctx.dequeueEvent('alpha');
        const second = yield ctx.dequeueEvent('alpha');
        return { alpha: [first, second], beta };
      },
    },
  });
  const id = await h.launch('Isolated');
  await h.until(id, 'waiting');
  await h.client.enqueueEvent(id, 'alpha', 'a1');
  await h.client.enqueueEvent(id, 'beta', 'b1');
  await h.client.enqueueEvent(id, 'alpha', 'a2');
  assert.deepEqual(completed(await h.wait(id)), { alpha: ['a1', 'a2'], beta: 'b1' });
});

test('C1 chat: queue and status survive continue-as-new', async (t) => {
  const h = await withRuntime(t, {
    activities: { Reply: (_ctx, text) => `Echo: ${text}` },
    orchestrations: {
      *Chat(ctx) {
        const message = JSON.parse(yield ctx.dequeueEvent('inbox'));
        const reply = yield ctx.scheduleActivity('Reply', message.text);
        ctx.setCustomStatus(JSON.stringify({ seq: message.seq, reply }));
        if (message.text === 'Bye!') return 'Chat ended';
        return yield ctx.continueAsNew('');
      },
    },
  });
  const id = await h.launch('Chat', '');
  let version = 0;
  for (const [index, text] of ['Hello', 'How are you?', 'Bye!'].entries()) {
    const seq = index + 1;
    await h.client.enqueueEvent(id, 'inbox', JSON.stringify({ seq, text }));
    const status = await h.client.waitForStatusChange(id, version, 50, 10000);
    version = status.customStatusVersion;
    assert.deepEqual(JSON.parse(status.customStatus), { seq, reply: `Echo: ${text}` });
  }
  const last = await h.wait(id);
  assert.equal(completed(last), 'Chat ended');
  assert.equal(JSON.parse(last.customStatus).seq, 3);
});

test('a signal that nobody waits for is lost', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Late(ctx) {
        ctx.setCustomStatus('one');
        const first = yield ctx.waitForEvent('go');
        ctx.setCustomStatus('two');
        return [first, yield ctx.waitForEvent('go')];
      },
    },
  });
  const id = await h.launch('Late');
  await h.until(id, 'one');
  await h.client.raiseEvent(id, 'stray', 0);
  await h.client.raiseEvent(id, 'go', 1);
  await h.until(id, 'two');
  await h.client.raiseEvent(id, 'go', 2);
  assert.deepEqual(completed(await h.wait(id)), [1, 2]);
});

test('two open waits of one name get successive signals in order', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Twice(ctx) {
        ctx.setCustomStatus('waiting');
        const both = yield ctx.all([ctx.waitForEvent('go'), ctx.waitForEvent('go')]);
        return both.map((one) => one.ok);
      },
    },
  });
  const id = await h.launch('Twice');
  await h.until(id, 'waiting');
  await h.client.raiseEvent(id, 'go', 1);
  await h.client.raiseEvent(id, 'go', 2);
  assert.deepEqual(completed(await h.wait(id)), [1, 2]);
});

test('five hundred messages that wait are read at once', async (t) => {
  const h = await withStore(t);
  const id = await h.launch('Drain');
  const numbers = Array.from({ length: 500 }, (_, n) => n);
  for (const n of numbers) await h.client.enqueueEvent(id, 'q', n);
  await h.start({
    orchestrations: {
      *Drain(ctx) {
        let sum = 0;
        for (let i = 0; i < 500; i++) sum += yield ctx.dequeueEvent('q');
        return sum;
      },
    },
  });
  assert.equal(completed(await h.wait(id)), (499 * 500) / 2);
});
