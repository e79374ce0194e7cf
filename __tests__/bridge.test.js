'use strict';

const assert = require('node:assert/strict');
const { describe, it, mock } = require('node:test');
const { Worker } = require('node:worker_threads');
const channel = require('../lib/channel.js');
const { DuroxideError, ENGINE_CODES, LOCAL_CODES, ProviderError } = require('../lib/errors.js');
const { NEWEST_RULES } = require('../lib/orchestration/rules.js');

const noop = () => {};

/** Registers handlers for a test and gives the runtime's number. */
function register(t, handlers) {
  const runtime = channel.nextRuntime();
  const silent = { run: () => ({ steps: [], outcome: null }), drop: noop, cancel: noop };
  channel.registerRuntime(runtime, { ...silent, activity: noop, ...handlers });
  t.after(() => channel.unregisterRuntime(runtime));
  return runtime;
}

const call = (runtime, kind, count, payload = 'x') =>
  channel.request('debug.call', { runtime, kind, count }, payload);

describe('requests', () => {
  const texts = {
    empty: '',
    'with NUL': 'a\0b\0',
    'not ASCII': 'grüße 😀 \u2028 \ufeff',
    'one byte below the buffer': 'x'.repeat((1 << 20) - 1),
    'the size of the buffer': 'x'.repeat(1 << 20),
    'of 64 MiB': `${'x'.repeat(64 << 20)}`,
    'of 64 MiB, not ASCII': 'é'.repeat(32 << 20),
  };
  for (const [name, text] of Object.entries(texts)) {
    it(`a payload ${name} comes back unharmed`, async () => {
      const { value, payload } = await channel.request('debug.echo', { text: 'ü' }, text);
      assert.deepEqual(value, { text: 'ü' });
      assert.ok(payload === text);
    });
  }

  it('a lone surrogate becomes a replacement character', async () => {
    const { payload } = await channel.request('debug.echo', { text: '' }, 'a\ud800b');
    assert.equal(payload, 'a\ufffdb');
  });

  it('thousands at once are all settled with their own answer', async () => {
    const numbers = Array.from({ length: 5000 }, (_, i) => String(i));
    const answers = await Promise.all(
      numbers.map((n) => channel.request('debug.echo', { text: '' }, n)),
    );
    assert.deepEqual(
      answers.map(({ payload }) => payload),
      numbers,
    );
  });

  it('a failure carries code, text and class', async () => {
    await assert.rejects(channel.request('no.such', {}), (error) => {
      assert.ok(error instanceof DuroxideError);
      assert.equal(error.code, 'UNKNOWN_REQUEST');
      assert.match(error.message, /no\.such/);
      return true;
    });
    await assert.rejects(channel.request('client.status', { store: 9999, instance: 'x' }), {
      name: 'ProviderError',
      code: 'CLOSED',
    });
    assert.equal(new ProviderError('x').code, 'STORAGE');
  });

  it('a wrong argument is refused by name', async () => {
    await assert.rejects(channel.request('debug.echo', { txt: '' }), {
      code: 'INVALID_INPUT',
      message: /debug\.echo.*txt/,
    });
  });

  it('they work under fake timers', async (t) => {
    mock.timers.enable();
    t.after(() => mock.timers.reset());
    const { payload } = await channel.request('debug.echo', { text: '' }, 'here');
    assert.equal(payload, 'here');
  });
});

describe('runs', () => {
  it('a record holds what the engine sent', async (t) => {
    let seen;
    const run = (record) => {
      seen = record;
      return { steps: [[{ kind: 2, token: 1, delayMs: 2 ** 40 }], []], outcome: null };
    };
    const runtime = register(t, { run });
    await call(runtime, 'run', 1, '"ü"');
    const { token, resident, word, ...rest } = seen;
    assert.equal(token, resident);
    if (process.env.DUROXIDE_ENGINE !== 'process') assert.ok(word > 0, 'it has a word of its own');
    assert.ok(Number.isSafeInteger(token));
    assert.deepEqual(rest, {
      runtime,
      replaySteps: 1,
      locate: false,
      open: {
        instance: 'debug',
        life: '',
        execution: 2 ** 40,
        name: 'debug',
        version: '1.0.0',
        input: '"ü"',
        customStatus: null,
        headers: '',
        longNames: true,
        strictValues: true,
        schedule: null,
        rules: NEWEST_RULES,
        startedMs: 2 ** 41,
        values: [['key', 'value', 2 ** 40]],
        patches: new Map([
          ['new', true],
          ['old', false],
        ]),
      },
      deliveries: [{ token: 1, ok: true, asks: false, value: '"ü"', details: '', timeMs: 2 ** 42 }],
    });
  });

  it('a driver that throws or answers nonsense still answers', async (t) => {
    for (const run of [
      () => {
        throw new Error('driver');
      },
      () => ({ steps: [[{ kind: 1, token: 1, name: 5 }]], outcome: null }),
      () => undefined,
    ]) {
      await call(register(t, { run }), 'run', 3);
    }
  });

  it('each is followed by its drop', async (t) => {
    const order = [];
    const runtime = register(t, {
      run: (record) => {
        order.push(['run', record.resident]);
        return { steps: [[], []], outcome: { ok: true, output: 'null' } };
      },
      drop: (record) => order.push(['drop', record.resident]),
    });
    await call(runtime, 'run', 1);
    const [[, resident]] = order;
    assert.deepEqual(order, [
      ['run', resident],
      ['drop', resident],
    ]);
  });

  it('the event loop stays free under load', async (t) => {
    const run = () => ({ steps: [[], []], outcome: { ok: true, output: 'null' } });
    const runtime = register(t, { run });
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await call(runtime, 'run', 3200);
    isDone = true;
    assert.ok(turns >= 100, `only ${turns} turns of the event loop for 100 portions`);
  });
});

describe('activities', () => {
  it('thousands wait at the same time and are all answered', async (t) => {
    const runtime = register(t, {
      activity: async ({ input }) => {
        await null;
        return { ok: true, value: input };
      },
    });
    const { value } = await call(runtime, 'activity', 2000, 'ä'.repeat(100));
    assert.deepEqual(value, { ok: 2000 });
  });

  it('one that rejects, throws or answers nonsense is answered too', async (t) => {
    for (const activity of [
      () => Promise.reject(new Error('late')),
      () => {
        throw new Error('at once');
      },
      async () => null,
      async () => ({ ok: true, value: 5 }),
    ]) {
      await call(register(t, { activity }), 'activity', 2);
    }
  });

  it('an ended or unknown one is not cancelled', async (t) => {
    let token = 0;
    const activity = async (record) => {
      token = record.token;
      assert.equal(channel.isCancelled(token), false);
      return { ok: true, value: record.input };
    };
    await call(register(t, { activity }), 'activity', 1);
    assert.equal(channel.isCancelled(token), false);
    assert.equal(channel.isCancelled(12345678), false);
  });
});

describe('hosts', () => {
  it('worker threads have their own, and may end at any moment', async () => {
    const source = `
      const channel = require(${JSON.stringify(require.resolve('../lib/channel.js'))});
      const { parentPort } = require('node:worker_threads');
      const runtime = channel.nextRuntime();
      channel.registerRuntime(runtime, {
        run() { return { steps: [[], []], outcome: null }; },
        drop() {}, cancel() {},
        activity: () => new Promise(() => {}),
      });
      channel.request('debug.call', { runtime, kind: 'activity', count: 100 }, 'x');
      (async () => {
        for (;;) await channel.request('debug.call', { runtime, kind: 'run', count: 20 }, 'x');
      })();
      channel.request('debug.echo', { text: '' }).then(() => parentPort.postMessage('up'));
    `;
    for (let round = 0; round < 10; round++) {
      const workers = Array.from({ length: 4 }, () => new Worker(source, { eval: true }));
      await Promise.all(
        workers.map(async (worker, i) => {
          await new Promise((resolve) => worker.once('message', resolve));
          for (let turns = 0; turns < i * 3; turns++) await new Promise(setImmediate);
          await worker.terminate();
        }),
      );
    }
    const { payload } = await channel.request('debug.echo', { text: '' }, 'still here');
    assert.equal(payload, 'still here');
  });
});

describe('errors', () => {
  it('codes are sorted and unique', () => {
    const all = [...ENGINE_CODES, ...LOCAL_CODES];
    assert.equal(new Set(all).size, all.length);
    assert.deepEqual([...ENGINE_CODES].sort(), ENGINE_CODES);
  });
});
