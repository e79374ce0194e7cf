'use strict';

/** Values as JSON: errors in them are kept, and what they lose is said or refused. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { FakeEngine } = require('./support/fake-engine.js');
const { PATIENCE_MS, failed, withRuntime, withStore } = require('./support/harness.js');
const { Client } = require('../lib/duroxide.js');
const codec = require('../lib/codec.js');

class Secretive {
  #cents = 1;
  get cents() {
    return this.#cents;
  }
}

class Shown {
  id = 1;
  get double() {
    return this.id * 2;
  }
}

/** What a value loses, by where it is told of. */
function lossesOf(value) {
  const care = { keepErrors: true, strict: 'throw', warn() {} };
  try {
    codec.encode(value, 'the value', 'input', care);
    return [];
  } catch (error) {
    assert.ok(error instanceof TypeError);
    const [, texts] = /^the value would lose something as JSON: (.*)$/.exec(error.message);
    return texts.split(', ').sort();
  }
}

test('what loses something as JSON is found, with its path', () => {
  const hidden = Object.defineProperty(new Shown(), 'more', { value: 1, enumerable: false });
  assert.deepEqual(lossesOf({ items: [{}, {}, { tags: new Map() }] }), [
    'input.items[2].tags is a Map',
  ]);
  assert.deepEqual(lossesOf(Number.NaN), ['input is NaN']);
  assert.deepEqual(lossesOf({ a: -Infinity, b: [() => 1] }), [
    'input.a is -Infinity',
    'input.b[0] is a function',
  ]);
  assert.deepEqual(lossesOf({ s: new Set([1]), y: Symbol('y'), r: /x/, b: new Uint8Array(1) }), [
    'input.b is a Uint8Array',
    'input.r is a RegExp',
    'input.s is a Set',
    'input.y is a symbol',
  ]);
  assert.deepEqual(lossesOf([new Secretive(), hidden, new URLSearchParams('a=1')]), [
    'input[0] is a Secretive',
    'input[1] is a Shown',
    'input[2] is a URLSearchParams',
  ]);
});

test('what loses nothing is no loss', () => {
  const shared = { n: 1 };
  for (const value of [
    { a: undefined, b: null, c: true, d: 1.5, e: 'text', f: [1, [2]] },
    { at: new Date(0), url: new URL('http://a/'), own: { toJSON: () => 'mine' } },
    [new Shown(), Object.create(null), shared, shared, new String('boxed'), Buffer.from('b')],
    new Error('kept'),
    undefined,
    'text',
  ]) {
    assert.deepEqual(lossesOf(value), []);
  }
});

test('an Error in a value is stored with its name, message, code and cause', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Echo: (_ctx, value) => value,
      Gives: () => ({ failed: Object.assign(new TypeError('given'), { code: 'E' }) }),
    },
    orchestrations: {
      *Errors(ctx) {
        const error = new RangeError('outer', { cause: new Error('inner') });
        error.self = error;
        ctx.setValue('error', { error });
        return {
          echoed: yield ctx.scheduleActivity('Echo', [error]),
          given: yield ctx.scheduleActivity('Gives'),
          returned: error,
        };
      },
    },
  });
  const outer = {
    name: 'RangeError',
    message: 'outer',
    cause: { name: 'Error', message: 'inner' },
  };
  assert.deepEqual(await h.output('Errors'), {
    echoed: [outer],
    given: { failed: { name: 'TypeError', message: 'given', code: 'E' } },
    returned: outer,
  });
  assert.deepEqual(JSON.parse(await h.client.getValue('Errors-1', 'error')), { error: outer });
});

test('executions of earlier releases give errors away as they did', () => {
  const code = function* (ctx) {
    yield ctx.scheduleActivity('A', { error: Object.assign(new Error('m'), { code: 'E' }) });
  };
  const inputOf = (engine) => engine.steps[0][0].input;
  assert.equal(inputOf(new FakeEngine(code, { rules: 0 })), '{"error":{"code":"E"}}');
  const now = '{"error":{"name":"Error","message":"m","code":"E"}}';
  assert.equal(inputOf(new FakeEngine(code)), now);
});

test('by default a loss is warned of, once for each call site and path', async (t) => {
  const warnings = [];
  const keep = (_fields, message) => warnings.push(message);
  const h = await withRuntime(t, {
    options: { logLevel: 'warn', logger: { error: keep, warn: keep, info: keep } },
    activities: { LossyResult: () => ({ when: Number.NaN }), LossyInput: (_ctx, value) => value },
    orchestrations: {
      *Warned(ctx) {
        const items = [{ tags: new Map() }, { tags: new Map() }];
        const input = yield ctx.scheduleActivity('LossyInput', { items });
        ctx.setCustomStatus({ n: Infinity });
        return [input, yield ctx.scheduleActivity('LossyResult')];
      },
    },
  });
  for (let n = 0; n < 2; n++) {
    assert.deepEqual(await h.output('Warned'), [
      { items: [{ tags: {} }, { tags: {} }] },
      { when: null },
    ]);
  }
  await h.runtime.shutdown(PATIENCE_MS);
  assert.deepEqual(warnings.toSorted(), [
    'the custom status loses something as JSON: status.n is Infinity',
    "the input of activity 'LossyInput' loses something as JSON: input.items[1].tags is a Map",
    "the result of activity 'LossyResult' loses something as JSON: result.when is NaN",
  ]);
});

test("with 'off' nothing is said, and with 'throw' a loss is refused where it would be made", async (t) => {
  const warnings = [];
  const keep = (_fields, message) => warnings.push(message);
  const logger = { error: keep, warn: keep, info: keep };
  const orchestrations = {
    *Quiet(ctx) {
      return yield ctx.scheduleActivity('Quiet', { quiet: Number.NaN });
    },
    *Strict(ctx) {
      const caught = [];
      for (const lose of [
        () => ctx.scheduleActivity('Quiet', { tags: new Map() }),
        () => ctx.setCustomStatus({ n: Number.NaN }),
        () => ctx.setValue('key', [Symbol('s')]),
      ]) {
        try {
          lose();
        } catch (error) {
          caught.push(`${error.name}: ${error.message}`);
        }
      }
      yield ctx.scheduleTimer(1);
      return caught;
    },
    *StrictResult() {
      return { n: Number.NaN };
    },
  };
  const activities = { Quiet: (_ctx, value) => value };
  const options = { logLevel: 'warn', logger, strictValues: 'off' };
  const h = await withRuntime(t, { options, activities, orchestrations });
  assert.deepEqual(await h.output('Quiet'), { quiet: null });
  await h.restart({ options: { strictValues: 'throw' }, activities, orchestrations });
  assert.deepEqual(warnings, []);
  assert.deepEqual(await h.output('Strict'), [
    "TypeError: the input of activity 'Quiet' would lose something as JSON: input.tags is a Map",
    'TypeError: the custom status would lose something as JSON: status.n is NaN',
    "TypeError: the value of key 'key' would lose something as JSON: value[0] is a symbol",
  ]);
  assert.match(
    failed(await h.run('StrictResult')),
    /^TypeError: the result of orchestration .* NaN$/,
  );
});

test('an execution is as strict as it began, whoever goes on with it', async (t) => {
  const orchestrations = {
    *Goes(ctx) {
      const lose = () => {
        try {
          ctx.setValue('lossy', { n: Number.NaN });
          return 'stored';
        } catch (error) {
          return error.name;
        }
      };
      const before = lose();
      ctx.setCustomStatus('here');
      yield ctx.waitForEvent('go');
      return [before, lose()];
    },
  };
  const started = (strictValues) => ({ options: { strictValues }, orchestrations });
  const h = await withRuntime(t, started('throw'));
  const strict = await h.launch('Goes');
  await h.until(strict, 'here');
  await h.restart(started('off'));
  const lenient = await h.launch('Goes');
  await h.until(lenient, 'here');
  await h.restart(started('throw'));
  for (const id of [strict, lenient]) await h.client.raiseEvent(id, 'go');
  assert.deepEqual((await h.wait(strict)).output, ['TypeError', 'TypeError']);
  assert.deepEqual((await h.wait(lenient)).output, ['stored', 'stored']);
});

test('a refused result says that the activity had finished, and no policy retries it', async (t) => {
  const runs = { Strict: 0, Cycle: 0 };
  const h = await withRuntime(t, {
    options: { strictValues: 'throw' },
    activities: {
      Strict() {
        runs.Strict++;
        return { at: new Map() };
      },
      Cycle() {
        runs.Cycle++;
        const value = {};
        value.value = value;
        return value;
      },
    },
    orchestrations: {
      *Refused(ctx, name) {
        try {
          return yield ctx.scheduleActivityWithRetry(name, null, {
            maxAttempts: 5,
            backoff: 'none',
          });
        } catch (error) {
          return [error.name, error.message];
        }
      },
    },
  });
  for (const [name, what] of Object.entries({
    Strict: /would lose .*result\.at is a Map/,
    Cycle: /circular/,
  })) {
    const [kind, message] = await h.output('Refused', name);
    assert.equal(kind, 'ActivityError');
    assert.match(message, what);
    assert.match(message, /; it had finished, but its result cannot be stored$/);
    assert.equal(runs[name], 1);
  }
});

test('a client warns of what its values lose, or refuses it', async (t) => {
  const h = await withStore(t);
  const warned = once(process, 'warning');
  await h.client.enqueueEvent('nobody', 'queue', { lost: new Set() });
  const [warning] = await warned;
  assert.equal(warning.name, 'DuroxideWarning');
  assert.equal(warning.message, 'data loses something as JSON: data.lost is a Set');
  const strict = new Client(h.provider, { strictValues: 'throw' });
  await assert.rejects(strict.startOrchestration('x', 'X', { n: Number.NaN }), {
    name: 'TypeError',
    message: 'input would lose something as JSON: input.n is NaN',
  });
  assert.throws(
    () => new Client(h.provider, { strictValues: 'maybe' }),
    /options\.strictValues must be/,
  );
  assert.throws(() => new Client(h.provider, { strict: 'off' }), /unknown option 'strict'/);
});

test('options are own properties: a polluted prototype brings none along', async (t) => {
  const polluted = {
    sessionId: 'polluted',
    strictValues: 'throw',
    timeoutMs: 1,
    baseMs: 1e9,
    tag: 'p',
  };
  const seen = [];
  const setup = {
    activities: { Sees: (ctx) => seen.push([ctx.sessionId, ctx.tag()]) },
    orchestrations: {
      *Asks(ctx) {
        yield ctx.scheduleActivity('Sees', { n: Number.NaN }, {});
        yield ctx.scheduleActivityWithRetry('Sees', null, { maxAttempts: 2 });
      },
    },
  };
  const h = await withStore(t);
  t.after(() => {
    for (const key of Object.keys(polluted)) delete Object.prototype[key];
  });
  for (const [key, value] of Object.entries(polluted)) {
    Object.defineProperty(Object.prototype, key, { value, configurable: true, writable: true });
  }
  await h.start(setup);
  await h.output('Asks');
  assert.deepEqual(seen, [
    [null, null],
    [null, null],
  ]);
});
