'use strict';

/** Every method of the client checks what it is given, and every failure is a rejection. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Client } = require('../lib/duroxide.js');
const { withStore } = require('./support/harness.js');

/** What each method takes; the last ones may be left out where their number is given. */
const SIGNATURES = {
  start: ['orchestration', 'instanceId'],
  handle: ['orchestration', 'instanceId'],
  startOrchestration: ['instanceId', 'orchestrationName'],
  startOrchestrationTyped: ['instanceId', 'orchestrationName'],
  startOrchestrationVersioned: ['instanceId', 'orchestrationName', null, 'version'],
  startOrchestrationVersionedTyped: ['instanceId', 'orchestrationName', null, 'version'],
  raiseEvent: ['instanceId', 'eventName'],
  raiseEventTyped: ['instanceId', 'eventName'],
  enqueueEvent: ['instanceId', 'queueName'],
  enqueueEventTyped: ['instanceId', 'queueName'],
  cancelInstance: ['instanceId'],
  getStatus: ['instanceId'],
  waitForOrchestration: ['instanceId'],
  waitForOrchestrationTyped: ['instanceId'],
  waitForStatusChange: ['instanceId', 'lastSeenVersion'],
  waitForValue: ['instanceId', 'key'],
  getValue: ['instanceId', 'key'],
  getKvAllValues: ['instanceId'],
  getSystemMetrics: [],
  getOrchestrationStats: ['instanceId'],
  describe: ['instanceId'],
  getHealth: [],
  listInstances: [],
  countInstances: [],
  getQueueDepths: [],
  listAllInstances: [],
  listInstancesByStatus: ['status'],
  getInstanceInfo: ['instanceId'],
  getExecutionInfo: ['instanceId', 'executionId'],
  listExecutions: ['instanceId'],
  readExecutionHistory: ['instanceId', 'executionId'],
  exportHistory: ['instanceId'],
  getInstanceTree: ['instanceId'],
  terminateInstance: ['instanceId'],
  exportHistories: [],
  importHistory: ['history'],
  retryInstance: ['instanceId'],
  retryInstances: [],
  versionsInUse: [],
  setDefaultVersion: ['orchestration', null],
  getDefaultVersions: [],
  rewindInstance: ['instanceId', null],
  rewindInstances: [null, null],
  forkInstance: ['instanceId', 'newInstanceId'],
  resolve: ['token'],
  reject: ['token'],
  request: ['instanceId', 'queueName'],
  reply: ['token'],
  rejectRequest: ['token'],
  deleteInstance: ['instanceId'],
  deleteInstanceBulk: [],
  previewRetention: [],
  pruneExecutions: ['instanceId'],
  pruneExecutionsBulk: [],
  schedule: ['id'],
  listSchedules: [],
  describeSchedule: ['id'],
  pauseSchedule: ['id'],
  resumeSchedule: ['id'],
  triggerSchedule: ['id'],
  backfillSchedule: ['id'],
  deleteSchedule: ['id'],
};
const NUMBERS = ['lastSeenVersion', 'executionId'];
const GOOD = { lastSeenVersion: 0, executionId: 1 };

test('each argument that is missing or of a wrong kind is a rejection that names it', async (t) => {
  const { client } = await withStore(t, { memory: true });
  const methods = [];
  for (let from = Client.prototype; from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    const names = Object.getOwnPropertyNames(from);
    methods.push(...names.filter((name) => typeof client[name] === 'function'));
  }
  assert.deepEqual(
    Object.keys(SIGNATURES).sort(),
    [...new Set(methods)].filter((m) => !['constructor', 'use'].includes(m)).sort(),
  );
  for (const [method, names] of Object.entries(SIGNATURES)) {
    for (const [place, name] of names.entries()) {
      if (name === null) continue;
      const kind = NUMBERS.includes(name) ? 'a number' : 'a string';
      for (const bad of [
        undefined,
        null,
        {},
        [],
        true,
        Symbol('s'),
        kind === 'a number' ? '1' : 1,
      ]) {
        const args = names.map((other, n) => (n === place ? bad : (GOOD[other] ?? 'x')));
        if (method === 'handle') {
          assert.throws(() => client.handle(...args), new RegExp(`^TypeError: ${name} must be a`));
          continue;
        }
        const promise = client[method](...args);
        assert.ok(promise instanceof Promise, method);
        await assert.rejects(promise, (error) => {
          assert.ok(error instanceof TypeError, `${method}: ${error}`);
          assert.match(error.message, new RegExp(`^${name} must be ${kind}, not `), method);
          return true;
        });
      }
    }
  }
});

test('wrong options, filters, flags and timeouts are rejections that name them', async (t) => {
  const { client } = await withStore(t, { memory: true });
  const cases = [
    [() => client.startOrchestration('a', 'X', 1, 'exclusive'), /^options must be an object/],
    [() => client.startOrchestration('a', 'X', 1, { rejectIfExists: 1 }), /options.rejectIfExists/],
    [() => client.start('X', 'a', 1, { version: 5 }), /^options.version must be a string/],
    [() => client.start('X', 'a', 1, { reject: true }), /^options has an unknown option 'reject'/],
    [() => client.handle('X', 'a').result('x'), /^timeoutMs must be a number, not the string "x"/],
    [() => client.handle('X', 'a').send(5), /^queueName must be a string, not the number 5/],
    [() => client.handle('X', 'a').raise(), /^eventName must be a string, not undefined/],
    [() => client.handle('X', 'a').cancel(5), /^reason must be a string, not the number 5/],
    [() => client.waitForOrchestration('a', { timeout: 5 }), /did you mean 'timeoutMs'/],
    [() => client.waitForOrchestration('a', []), /^options must be an object, not an array/],
    [() => client.waitForValue('a', 'k', { notFoundMs: -1 }), /^options.notFoundMs must not be/],
    [
      () => client.waitForStatusChange('a', 0, { signal: 1 }),
      /^options.signal must be an AbortSig/,
    ],
    [() => client.cancelInstance('a', 5), /^reason must be a string, not the number 5/],
    [() => client.waitForStatusChange('a', 0, 'x'), /^pollIntervalMs must be a number/],
    [() => client.waitForStatusChange('a', 0, 5, 'x'), /^timeoutMs must be a number/],
    [() => client.waitForStatusChange('a', 0.5), /^lastSeenVersion must be a whole number/],
    [() => client.getExecutionInfo('a', -1), /^executionId must be a whole number from 0 on/],
    [() => client.readExecutionHistory('a', 1.5), /^executionId must be a whole number/],
    [() => client.deleteInstance('a', 1), /^force must be a boolean, not the number 1/],
    [() => client.deleteInstanceBulk('a'), /^filter must be an object/],
    [() => client.deleteInstanceBulk({ instanceIds: 'a' }), /filter.instanceIds must be an array/],
    [() => client.deleteInstanceBulk({ instanceIds: [1] }), /filter.instanceIds\[0\] must be/],
    [() => client.deleteInstanceBulk({ completedBefore: '1' }), /filter.completedBefore must be/],
    [() => client.deleteInstanceBulk({ limit: -1 }), /filter.limit must be a whole number/],
    [() => client.pruneExecutions('a', { keepLast: -1 }), /options.keepLast must be a whole/],
    [() => client.pruneExecutions('a', { completedBefore: {} }), /options.completedBefore must/],
    [() => client.pruneExecutionsBulk({ id: 1 }), /unknown option 'id'/],
    [() => client.pruneExecutionsBulk({}, { keep: 1 }), /unknown option 'keep'/],
  ];
  for (const [call, message] of cases) {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});
