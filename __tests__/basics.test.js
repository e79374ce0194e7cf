'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { Client, SqliteProvider } = require('../lib/duroxide.js');
const {
  completed,
  failed,
  makeRuntime,
  temporaryFolder,
  withRuntime,
} = require('./support/harness.js');

test('E1 hello world: the output is the second greeting', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      async Hello(ctx, name) {
        ctx.traceInfo(`greeting ${name}`);
        return `Hello, ${name}!`;
      },
    },
    orchestrations: {
      *HelloWorld(ctx, input) {
        ctx.traceInfo('starting');
        yield ctx.scheduleActivity('Hello', 'Rust');
        return yield ctx.scheduleActivity('Hello', input);
      },
    },
  });
  assert.equal(await h.output('HelloWorld', 'World'), 'Hello, World!');
});

test('E2 control flow: code branches on the result of an activity', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      GetFlag: () => 'yes',
      SayYes: () => 'picked_yes',
      SayNo: () => 'picked_no',
    },
    orchestrations: {
      *ControlFlow(ctx) {
        const flag = yield ctx.scheduleActivity('GetFlag', null);
        return yield ctx.scheduleActivity(flag === 'yes' ? 'SayYes' : 'SayNo', null);
      },
    },
  });
  assert.equal(await h.output('ControlFlow'), 'picked_yes');
});

test('E3 loop: each result feeds the next call', async (t) => {
  const h = await withRuntime(t, {
    activities: { Append: (_ctx, text) => `${text}x` },
    orchestrations: {
      *Loop(ctx) {
        let text = 'start';
        for (let i = 0; i < 3; i++) {
          text = yield ctx.scheduleActivity('Append', text);
          ctx.traceInfo(`iteration ${i}: ${text}`);
        }
        return text;
      },
    },
  });
  assert.equal(await h.output('Loop'), 'startxxx');
});

test('E15 conditional logic: objects and numbers are inputs', async (t) => {
  const h = await withRuntime(t, {
    activities: { Double: (_ctx, n) => n * 2 },
    orchestrations: {
      *Conditional(ctx, { threshold, value }) {
        const doubled = yield ctx.scheduleActivity('Double', value);
        return doubled > threshold ? 'high' : 'low';
      },
    },
  });
  assert.equal(await h.output('Conditional', { threshold: 10, value: 8 }), 'high');
  assert.equal(await h.output('Conditional', { threshold: 10, value: 2 }), 'low');
});

test('E16 activity chain: the output is a number', async (t) => {
  const h = await withRuntime(t, {
    activities: { AddOne: (_ctx, n) => n + 1 },
    orchestrations: {
      *Chain(ctx, n) {
        const a = yield ctx.scheduleActivity('AddOne', n);
        const b = yield ctx.scheduleActivity('AddOne', a);
        return yield ctx.scheduleActivity('AddOne', b);
      },
    },
  });
  assert.equal(await h.output('Chain', 1), 4);
});

test('E7 system activities: utcNow is a time and newGuid a UUID', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *System(ctx) {
        const now = yield ctx.utcNow();
        const guid = yield ctx.newGuid();
        const [other, again] = yield ctx.all([ctx.newGuid(), ctx.utcNow()]);
        return { now, guid, other: other.ok, again: again.ok };
      },
    },
  });
  const output = await h.output('System');
  assert.ok(output.now > 0);
  assert.ok(output.again >= output.now);
  assert.equal(output.guid.length, 36);
  assert.match(
    output.guid,
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.notEqual(output.other, output.guid);
});

test('E8 status polling: an instance is running until it is done', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Polled(ctx) {
        yield ctx.waitForEvent('seen');
        return 'done';
      },
    },
  });
  const id = await h.launch('Polled');
  const early = await h.client.getStatus(id);
  assert.equal(early.status, 'Running');
  await h.client.raiseEvent(id, 'seen');
  assert.equal(completed(await h.wait(id)), 'done');
  assert.deepEqual(await h.client.getStatus(id), {
    status: 'Completed',
    customStatusVersion: 0,
    output: '"done"',
  });
});

test('E22 sqlite smoke test: an object survives a file', async (t) => {
  const file = path.join(temporaryFolder(t), 'smoke.db');
  const provider = await SqliteProvider.open(`sqlite:${file}`);
  t.after(() => provider.close());
  const runtime = makeRuntime(provider, {
    activities: { Echo: (_ctx, input) => input },
    orchestrations: {
      *Smoke(ctx, input) {
        return yield ctx.scheduleActivity('Echo', input);
      },
    },
  });
  await runtime.start();
  t.after(() => runtime.shutdown(100));
  const client = new Client(provider);
  await client.startOrchestration('smoke-1', 'Smoke', { a: [1, 'two', null] });
  const status = await client.waitForOrchestration('smoke-1', 5000);
  assert.deepEqual(completed(status), { a: [1, 'two', null] });
});

const processing = {
  Validate(_ctx, input) {
    if (input === 'error') throw new Error(`Processing failed for ${input}`);
    return `Processed: ${input}`;
  },
  Format: (_ctx, text) => `Final: ${text}`,
  Log: () => 'logged',
};

test('G-nested error: an uncaught activity error keeps its message', async (t) => {
  const h = await withRuntime(t, {
    activities: processing,
    orchestrations: {
      *Nested(ctx, input) {
        const processed = yield ctx.scheduleActivity('Validate', input);
        return yield ctx.scheduleActivity('Format', processed);
      },
    },
  });
  assert.equal(await h.output('Nested', 'test'), 'Final: Processed: test');
  const error = failed(await h.run('Nested', 'error'));
  assert.equal(error, "Activity 'Validate' failed: Error: Processing failed for error");
});

test('G-error recovery: code may catch, act and throw again', async (t) => {
  const h = await withRuntime(t, {
    activities: processing,
    orchestrations: {
      *Recovery(ctx, input) {
        try {
          return yield ctx.scheduleActivity('Validate', input);
        } catch (error) {
          yield ctx.scheduleActivity('Log', error.message);
          throw new Error(`Failed to process '${input}': ${error.message}`);
        }
      },
    },
  });
  assert.equal(await h.output('Recovery', 'test'), 'Processed: test');
  assert.ok(failed(await h.run('Recovery', 'error')).includes("Failed to process 'error'"));
});

test('values come through inputs and results as JSON does them', async (t) => {
  const h = await withRuntime(t, {
    activities: { Echo: (_ctx, input) => input },
    orchestrations: {
      *Values(ctx, input) {
        const back = [];
        for (const value of [input, undefined, null, Number.NaN, -0, '', '"42"', 'a\0b\n\ud800é']) {
          back.push(yield ctx.scheduleActivity('Echo', value));
        }
        back.push(yield ctx.scheduleActivity('Echo', { at: new Date(0), no: undefined }));
        return back;
      },
    },
  });
  assert.deepEqual(await h.output('Values'), [
    null,
    null,
    null,
    null,
    0,
    '',
    '"42"',
    'a\0b\n\ud800é',
    { at: '1970-01-01T00:00:00.000Z' },
  ]);
});

test('an activity context says on whose behalf it runs', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      About: (ctx) => ({ ...ctx, tag: ctx.tag(), cancelled: ctx.isCancelled() }),
    },
    orchestrations: {
      *Context(ctx) {
        return { orchestration: { ...ctx }, activity: yield ctx.scheduleActivity('About') };
      },
    },
  });
  const { orchestration, activity } = await h.output('Context');
  const shared = {
    instanceId: 'Context-1',
    executionId: 1,
    orchestrationName: 'Context',
    orchestrationVersion: '1.0.0',
  };
  assert.deepEqual(orchestration, shared);
  const { workerId, ...rest } = activity;
  assert.match(workerId, /^work-/);
  assert.deepEqual(rest, {
    ...shared,
    activityName: 'About',
    sessionId: null,
    attempt: 1,
    tag: null,
    headers: {},
    cancelled: false,
  });
});

test('a hundred instances run side by side', async (t) => {
  const h = await withRuntime(t, {
    activities: { Square: (_ctx, n) => n * n },
    orchestrations: {
      *Many(ctx, n) {
        const results = yield ctx.all([1, 2, 3].map((k) => ctx.scheduleActivity('Square', n + k)));
        return results.reduce((sum, result) => sum + result.ok, 0);
      },
    },
  });
  const numbers = Array.from({ length: 100 }, (_, n) => n);
  const outputs = await Promise.all(numbers.map((n) => h.output('Many', n)));
  assert.deepEqual(
    outputs,
    numbers.map((n) => (n + 1) ** 2 + (n + 2) ** 2 + (n + 3) ** 2),
  );
});
