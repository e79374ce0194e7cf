'use strict';

/** Requests: messages that are answered, by whoever has their token, once. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Client, RejectedError, TimeoutError, defineQueue } = require('../lib/duroxide.js');
const { completed, withRuntime, withStore } = require('./support/harness.js');

const asked = defineQueue('asked');
const NO_ONE = { code: 'NOT_ANSWERED' };

/** Answers with the double, rejects what is negative, and ends with 'end'. */
function* Doubler(ctx) {
  for (;;) {
    const message = yield* ctx.receive(asked);
    if (message.data === 'end') return 'ended';
    if (message.data === 'next') yield ctx.continueAsNew();
    if (message.data < 0) message.reject(new RangeError('negative'));
    else if (message.data > 0) message.reply(message.data * 2);
  }
}

/** Reads nothing until it is told to, then tells what it has read until 'end'. */
function* Late(ctx) {
  yield ctx.waitForEvent('go');
  const read = [];
  for (;;) {
    const { data } = yield* ctx.receive(asked);
    if (data === 'end') return read;
    read.push(data);
  }
}

const doubler = async (t, orchestrations = {}) => {
  const h = await withRuntime(t, { orchestrations: { Doubler, Late, ...orchestrations } });
  return { h, client: h.client, id: await h.launch('Doubler') };
};

const DELIVERED = 'QueueEventDelivered';
const dataOf = ({ data }) => (typeof data === 'string' ? JSON.parse(data) : data) ?? {};

/** Waits until an instance has events of some sort in its history. */
async function recorded(h, id, count, isOne) {
  for (;;) {
    const events = await h.client.readExecutionHistory(id, 1);
    if (events.filter((e) => isOne(e.kind, dataOf(e), events)).length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const arrived = (h, id, count) => recorded(h, id, count, (kind) => kind === DELIVERED);

test('a request gets what the orchestration answers', async (t) => {
  const { client, id } = await doubler(t);
  assert.equal(await client.request(id, asked, 4), 8);
  assert.equal(await client.handle('Doubler', id).request(asked, 5), 10);
  const numbers = Array.from({ length: 20 }, (_, n) => n + 1);
  const all = await Promise.all(numbers.map((n) => client.request(id, asked, n)));
  assert.deepEqual(
    all,
    numbers.map((n) => 2 * n),
  );
});

test('a rejection is thrown with what it was made of', async (t) => {
  const { client, id } = await doubler(t);
  await assert.rejects(client.request(id, asked, -1), (error) => {
    assert.ok(error instanceof RejectedError);
    assert.equal(error.message, 'RangeError: negative');
    assert.equal(error.failure.thrown?.name ?? error.cause.name, 'RangeError');
    return true;
  });
});

test('the same id attaches again, also from another client, and after the end', async (t) => {
  const { client, h, id } = await doubler(t);
  const requestId = 'one';
  assert.equal(await client.request(id, asked, 1, { requestId }), 2);
  assert.equal(await new Client(h.provider).request(id, asked, 7, { requestId }), 2);
  await client.enqueueEvent(id, asked, 'end');
  completed(await h.wait(id));
  assert.equal(await client.request(id, asked, 7, { requestId }), 2);
});

test('what is not answered is rejected when the instance ends', async (t) => {
  const { client, h, id } = await doubler(t);
  const waiting = client.request(id, asked, 0);
  const refused = assert.rejects(waiting, { ...NO_ONE, details: { status: 'Completed' } });
  await arrived(h, id, 1);
  await client.enqueueEvent(id, asked, 'end');
  await refused;
  await assert.rejects(client.request(id, asked, 1), NO_ONE, 'at once');
  await assert.rejects(client.request('nobody', asked, 1), {
    ...NO_ONE,
    details: { status: 'NotFound' },
  });
});

for (const [what, end, status] of [
  ['terminated', (client, id) => client.terminateInstance(id, 'why'), 'Failed'],
  ['cancelled', (client, id) => client.cancelInstance(id, 'why'), 'Failed'],
  ['deleted', (client, id) => client.deleteInstance(id, true), 'NotFound'],
]) {
  test(`what is not answered is rejected when the instance is ${what}`, async (t) => {
    const { client, h, id } = await doubler(t);
    const refused = assert.rejects(client.request(id, asked, 0), {
      ...NO_ONE,
      details: { status },
    });
    await arrived(h, id, 1);
    await end(client, id);
    await refused;
  });
}

test('an unread request survives continue-as-new, a taken one with its token', async (t) => {
  const { client, id } = await doubler(t, {
    *Keeper(ctx, { token }) {
      if (token) ctx.reply(token, `by ${ctx.executionId}`);
      const { replyTo } = yield* ctx.receive('kept');
      yield ctx.continueAsNew({ token: replyTo });
    },
  });
  await client.startOrchestration('keeper', 'Keeper', {});
  assert.equal(await client.request('keeper', 'kept', null), 'by 2');
  await client.enqueueEvent(id, asked, 'next');
  assert.equal(await client.request(id, asked, 3), 6);
});

test('an activity, a child and a client answer with the token', async (t) => {
  const h = await withRuntime(t, {
    activities: { Answer: async (ctx, token) => ctx.getClient().reply(token, 'activity') },
    orchestrations: {
      *Child(ctx, token) {
        ctx.reply(token, 'child');
        return null;
      },
      *Asked(ctx) {
        yield ctx.scheduleActivity('Answer', (yield* ctx.receive('q')).replyTo);
        yield ctx.scheduleSubOrchestration('Child', (yield* ctx.receive('q')).replyTo);
        ctx.setCustomStatus((yield* ctx.receive('q')).replyTo);
        yield ctx.waitForEvent('end');
      },
    },
  });
  const id = await h.launch('Asked');
  assert.equal(await h.client.request(id, 'q', 1), 'activity');
  assert.equal(await h.client.request(id, 'q', 2), 'child');
  const last = h.client.request(id, 'q', 3);
  const { customStatus } = await h.client.waitForStatusChange(id, 0);
  assert.deepEqual(await h.client.reply(customStatus, 'first'), { duplicate: false });
  assert.deepEqual(await h.client.rejectRequest(customStatus, 'no'), { duplicate: true });
  assert.equal(await last, 'first');
  await h.client.raiseEvent(id, 'end');
  completed(await h.wait(id));
  const late = JSON.stringify({ ...JSON.parse(customStatus), request: 'another' });
  await assert.rejects(h.client.reply(late, 1), { code: 'INSTANCE_ENDED' });
  await h.client.deleteInstance(id);
  await assert.rejects(h.client.reply(late, 1), { code: 'INSTANCE_NOT_FOUND' });
});

test('an answer leaves with the turn that ends the instance', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Once(ctx) {
        (yield* ctx.receive('q')).reply('last');
      },
    },
  });
  const id = await h.launch('Once');
  assert.equal(await h.client.request(id, 'q', null), 'last');
});

test('who gives up takes back what was not read', async (t) => {
  const { client, h } = await doubler(t);
  const id = await h.launch('Late');
  const controller = new AbortController();
  await assert.rejects(client.request(id, asked, 'too late', { timeoutMs: 1 }), TimeoutError);
  await client.enqueueEvent(id, asked, 'first');
  await recorded(h, id, 1, (kind, data) => kind === DELIVERED && data.data === 'first');
  const aborted = client.request(id, asked, 'aborted', { signal: controller.signal });
  await recorded(h, id, 1, (kind, data) => kind === DELIVERED && data.data === 'aborted');
  controller.abort();
  await assert.rejects(aborted);
  // The caller is told at once, and the message goes after that.
  await recorded(h, id, 1, (kind, { request }, events) => {
    const asks = events.find((e) => e.kind === DELIVERED && dataOf(e).data === 'aborted');
    return kind === 'QueueEventWithdrawn' && request === dataOf(asks).request;
  });
  await client.enqueueEvent(id, asked, 'kept');
  await client.enqueueEvent(id, asked, 'end');
  await client.raiseEvent(id, 'go');
  assert.deepEqual(completed(await h.wait(id)), ['first', 'kept']);
});

test('what dequeueEvent reads of a request is plain data', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Plain(ctx) {
        return yield ctx.dequeueEvent('q');
      },
    },
  });
  const id = await h.launch('Plain');
  await assert.rejects(h.client.request(id, 'q', { a: 1 }), NO_ONE);
  assert.deepEqual(completed(await h.wait(id)), { a: 1 });
  const events = await h.client.readExecutionHistory(id, 1);
  assert.deepEqual(dataOf(events.find(({ kind }) => kind === DELIVERED)).data, { a: 1 });
});

test('a message that was only sent is answered to nobody', async (t) => {
  const { client, id } = await doubler(t);
  await client.enqueueEvent(id, asked, 3);
  await client.enqueueEvent(id, asked, -3);
  assert.equal(await client.request(id, asked, 4), 8);
});

test('a request of an earlier life is not answered by the next', async (t) => {
  const { client, id } = await doubler(t);
  assert.equal(await client.request(id, asked, 1, { requestId: 'r' }), 2);
  const first = client.handle('Doubler', id);
  await client.deleteInstance(id, true);
  await client.startOrchestration(id, 'Doubler', null);
  assert.equal(await first.request(asked, 2, { requestId: 'r' }), 4);
});

test('what has not begun is asked, and rejects when it is terminated', async (t) => {
  const { client } = await doubler(t);
  await client.startOrchestration('later', 'NotRegistered', null);
  const refused = assert.rejects(client.request('later', asked, 1), NO_ONE);
  await client.terminateInstance('later', 'why');
  await refused;
});

test('what is held is asked, and answers once its code fits again', async (t) => {
  const held = (code) => ({
    orchestrations: { Held: code },
    options: { onNondeterminism: 'hold' },
  });
  const answers = function* (ctx) {
    yield ctx.waitForEvent('go');
    (yield* ctx.receive('q')).reply('it fits');
  };
  const h = await withRuntime(t, held(answers));
  const id = await h.launch('Held');
  await recorded(h, id, 1, (kind) => kind === 'ExternalSubscribed');
  await h.runtime.shutdown();
  await h.start(
    held(function* (ctx) {
      yield ctx.scheduleTimer(1);
    }),
  );
  await h.client.raiseEvent(id, 'go');
  while (!(await h.client.getStatus(id)).held) await new Promise((r) => setTimeout(r, 5));
  const answer = h.client.request(id, 'q', 1);
  await h.runtime.shutdown();
  await h.start(held(answers));
  await h.client.retryInstance(id).catch(() => {}); // it may have gone on by itself
  assert.equal(await answer, 'it fits');
});

test('who waits for the answer of an earlier life is told when the id is used again', async (t) => {
  const { client, h, id } = await doubler(t);
  const refused = assert.rejects(client.request(id, asked, 0), {
    ...NO_ONE,
    details: { status: 'NotFound' },
  });
  await arrived(h, id, 1);
  await client.deleteInstance(id, true);
  await client.startOrchestration(id, 'Doubler', null);
  await refused;
  assert.equal(await client.request(id, asked, 1), 2);
});

test('the first answer counts also where its history was rewound', async (t) => {
  let by = 'first';
  const h = await withRuntime(t, {
    activities: { By: () => by },
    orchestrations: {
      *Again(ctx) {
        yield ctx.waitForEvent('go');
        for (;;) {
          const message = yield* ctx.receive('q');
          message.reply(yield ctx.scheduleActivity('By'));
        }
      },
    },
  });
  const id = await h.launch('Again');
  await h.client.raiseEvent(id, 'go');
  const requestId = 'one';
  assert.equal(await h.client.request(id, 'q', null, { requestId }), 'first');
  by = 'second';
  const events = await h.client.readExecutionHistory(id, 1);
  const { eventId } = events.find(({ kind }) => kind === 'QueueSubscribed');
  const back = { toEvent: { execution: 1, event: eventId }, acceptUndo: true };
  await h.client.rewindInstance(id, back);
  assert.equal(await h.client.request(id, 'q', null), 'second', 'behind the one that came again');
  assert.equal(await h.client.request(id, 'q', null, { requestId }), 'first');
});

test('an instance that has failed answers when it is retried, by the same request', async (t) => {
  let broken = true;
  const h = await withRuntime(t, {
    activities: {
      Work() {
        if (broken) throw new Error('broken');
        return 'done';
      },
    },
    orchestrations: {
      *Works(ctx) {
        const message = yield* ctx.receive('q');
        message.reply(yield ctx.scheduleActivity('Work'));
        yield ctx.waitForEvent('end');
      },
    },
  });
  const id = await h.launch('Works');
  const requestId = 'one';
  await assert.rejects(h.client.request(id, 'q', null, { requestId }), NO_ONE);
  broken = false;
  await h.client.retryInstance(id);
  assert.equal(await h.client.request(id, 'q', null, { requestId }), 'done');
});

test('what is no request is refused', async (t) => {
  const { client } = await withStore(t, { memory: true });
  await assert.rejects(client.request('', 'q'), TypeError);
  await assert.rejects(client.request('x', 'q', 1, { requestId: 5 }), TypeError);
  await assert.rejects(client.reply('no token', 1), /token must be the replyTo of a message/);
});
