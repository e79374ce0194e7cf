'use strict';

/** Starts whose first turn waits: until a moment, or for a while. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createTestEnvironment } = require('duroxide/testing');
const { completed, failed, withRuntime, withStore } = require('./support/harness.js');

const HOUR_MS = 3_600_000;
const BEGIN = '2026-03-01T08:00:00Z';
const BEGIN_MS = Date.parse(BEGIN);

let ran = [];

function* Notes(ctx, name) {
  ran.push(name);
  const at = yield ctx.utcNow();
  const words = [];
  for (;;) {
    const { data, replyTo } = yield* ctx.receive('words');
    words.push(data);
    if (replyTo) ctx.reply(replyTo, words.length);
    if (data === 'end') return { at: Number(at), words };
  }
}

async function environment(t) {
  ran = [];
  const register = (runtime) => runtime.registerOrchestration('Notes', Notes);
  const env = await createTestEnvironment({ startTime: BEGIN, register });
  t.after(() => env.close());
  return env;
}

const word = (data) => ({ messages: [{ queue: 'words', data }] });

for (const [what, delay] of [
  ['for a while', { startAfterMs: HOUR_MS }],
  ['until a date', { startAt: new Date(BEGIN_MS + HOUR_MS) }],
  ['until the moment of a text', { startAt: '2026-03-01T09:00:00Z' }],
]) {
  test(`a start waits ${what}, with what was sent`, async (t) => {
    const env = await environment(t);
    const { client } = env;
    const notes = await client.start('Notes', 'n', 'a', { ...delay, ...word('first') });
    const info = await client.getInstanceInfo('n');
    assert.equal(info.status, 'Running');
    assert.equal(info.startAt, BEGIN_MS + HOUR_MS);
    assert.equal((await client.describe('n')).startAt, info.startAt);
    assert.equal((await client.getStatus('n')).status, 'Running');
    await client.enqueueEvent('n', 'words', 'second');
    await env.advance(HOUR_MS - 1);
    assert.deepEqual(ran, []);
    await env.advance(1);
    assert.deepEqual(ran, ['a']);
    assert.equal((await client.getInstanceInfo('n')).startAt, undefined);
    await client.enqueueEvent('n', 'words', 'end');
    const { at, words } = await notes.result();
    assert.equal(at, BEGIN_MS + HOUR_MS);
    assert.deepEqual(words, ['first', 'second', 'end']);
  });
}

test('a moment that is over delays nothing', async (t) => {
  const { client } = await withRuntime(t, { orchestrations: { Notes } });
  await client.start('Notes', 'n', 'a', { startAt: BEGIN, ...word('end') });
  assert.deepEqual((await client.waitForOrchestration('n')).output.words, ['end']);
  await client.start('Notes', 'm', 'a', { startAfterMs: 0, ...word('end') });
  assert.deepEqual((await client.waitForOrchestration('m')).output.words, ['end']);
  assert.equal((await client.getInstanceInfo('m')).startAt, undefined);
});

test('a delayed start ends at once when it is cancelled or terminated, and is gone when it is deleted', async (t) => {
  ran = [];
  const { client } = await withRuntime(t, { orchestrations: { Notes } });
  const later = { startAfterMs: HOUR_MS };
  for (const id of ['c', 't', 'd']) await client.start('Notes', id, id, later);
  await client.cancelInstance('c', 'why');
  assert.match(failed(await client.waitForOrchestration('c')), /why/);
  await client.terminateInstance('t', 'why');
  assert.match(failed(await client.waitForOrchestration('t')), /why/);
  await client.deleteInstance('d', true);
  await assert.rejects(client.getInstanceInfo('d'), { code: 'INSTANCE_NOT_FOUND' });
  assert.deepEqual(ran, []);
});

test('an id that waits for its start exists, and keeps its own time', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.start('Notes', 'n', 'first', { startAfterMs: HOUR_MS });
  await client.start('Notes', 'n', 'second', { startAfterMs: 1, ...word('told') });
  await assert.rejects(client.start('Notes', 'n', 'x', { ifExists: 'reject' }), {
    code: 'INSTANCE_EXISTS',
  });
  await env.advance(HOUR_MS - 1);
  assert.deepEqual(ran, []);
  await env.advance(1);
  assert.deepEqual(ran, ['first']);
  await client.enqueueEvent('n', 'words', 'end');
  assert.deepEqual((await client.waitForOrchestration('n')).output.words, ['told', 'end']);
});

test('who asks what has not begun is answered when it has', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Notes } });
  await h.client.start('Notes', 'n', 'a', { startAfterMs: 100 });
  assert.equal(await h.client.request('n', 'words', 'asked'), 1);
  await h.client.enqueueEvent('n', 'words', 'end');
  assert.deepEqual(completed(await h.wait('n')).words, ['asked', 'end']);
});

test('a delayed start survives its process', async (t) => {
  const h = await withStore(t);
  await h.client.start('Notes', 'n', 'a', { startAfterMs: 200, ...word('end') });
  const { createdAt, startAt } = await h.client.getInstanceInfo('n');
  assert.ok(startAt > createdAt);
  await h.start({ orchestrations: { Notes } });
  const { at } = completed(await h.wait('n'));
  assert.ok(at >= startAt, 'never before it is due');
});

test('a delay that makes no sense is refused', async (t) => {
  const { client } = await environment(t);
  const start = (options) => client.start('Notes', 'n', 'a', options);
  await assert.rejects(start({ startAfterMs: -1 }), /options.startAfterMs/);
  await assert.rejects(start({ startAfterMs: '1h' }), TypeError);
  await assert.rejects(start({ startAt: 'tomorrow' }), /options.startAt/);
  await assert.rejects(start({ startAt: BEGIN, startAfterMs: 1 }), /give one of them/);
});
