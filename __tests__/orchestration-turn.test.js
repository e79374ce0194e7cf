'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ActivityError, OrchestrationError, CancelledError } = require('../lib/errors.js');
const { FakeEngine, delivered } = require('./support/fake-engine.js');

test('the start is a step of its own, and each delivery is one more', () => {
  const engine = new FakeEngine(
    function* (ctx, input) {
      const a = yield ctx.scheduleActivity('A', input);
      const b = yield ctx.scheduleActivity('B', a);
      return b + 1;
    },
    { input: '5' },
  );
  assert.deepEqual(engine.asked(), ['activity 1 A']);
  assert.equal(engine.steps[0][0].input, '5');
  engine.ok(1, 10);
  assert.deepEqual(engine.asked(), ['activity 2 B']);
  assert.equal(engine.outcome, null);
  engine.ok(2, 20);
  assert.deepEqual(engine.asked(), []);
  assert.equal(engine.result, 21);
});

test('a whole replay is one run, whatever was answered early then', () => {
  const engine = new FakeEngine(
    function* (ctx) {
      const sum = (yield ctx.scheduleActivity('A')) + (yield ctx.utcNow());
      return sum + (yield ctx.dequeueEvent('q'));
    },
    { deliveries: [delivered(1, 1), delivered(2, 2), delivered(3, 3)], replaySteps: 4 },
  );
  assert.equal(engine.steps.length, 4);
  assert.equal(engine.result, 6);
});

test('a run is answered early when a step may have an answer of its own', () => {
  const engine = new FakeEngine(
    function* (ctx) {
      yield ctx.scheduleActivity('A');
      yield ctx.dequeueEvent('q');
      return 'done';
    },
    { deliveries: [delivered(1, 1), delivered(9, 9)] },
  );
  assert.equal(engine.steps.length, 2);
  for (const method of ['waitForEvent', 'utcNow', 'newGuid', 'continueAsNew']) {
    const early = new FakeEngine(
      function* (ctx) {
        yield ctx[method]('x');
      },
      { deliveries: [delivered(9, 9)] },
    );
    assert.equal(early.steps.length, 1, method);
  }
});

test('a delivery for an unknown or answered token is an empty step', () => {
  const engine = new FakeEngine(function* (ctx) {
    yield ctx.scheduleActivity('A');
    yield ctx.scheduleActivity('B');
  });
  engine.ok(42, null);
  assert.deepEqual(engine.asked(), []);
  engine.ok(1, null);
  engine.ok(1, null);
  assert.deepEqual(engine.asked(), []);
  engine.ok(2, null);
  assert.equal(engine.result, null);
});

test('all keeps task order and says ok or err', () => {
  const engine = new FakeEngine(function* (ctx) {
    return yield ctx.all([ctx.scheduleActivity('A'), ctx.scheduleTimer(5), ctx.waitForEvent('E')]);
  });
  assert.deepEqual(engine.asked(), ['activity 1 A', 'timer 2', 'waitEvent 3 E']);
  engine.ok(3, { data: 1 });
  engine.fail(1, 'no');
  engine.ok(2, null);
  assert.deepEqual(engine.result, [{ err: 'no' }, { ok: null }, { ok: { data: 1 } }]);
});

test('an empty all resumes at once, and all takes what has no token', () => {
  const engine = new FakeEngine(function* (ctx) {
    const none = yield ctx.all([]);
    const [started, guid] = yield ctx.all([ctx.startOrchestration('C', 'c-1', 1), ctx.newGuid()]);
    return { none, started, guid };
  });
  assert.deepEqual(engine.asked(), ['startOrchestration C', 'syscall 1 newGuid']);
  engine.ok(1, 'g');
  assert.deepEqual(engine.result, { none: [], started: { ok: null }, guid: { ok: 'g' } });
});

test('race drops its losers in the step that decides it, timers included', () => {
  const engine = new FakeEngine(function* (ctx) {
    const winner = yield ctx.race(
      ctx.scheduleTimer(5),
      ctx.scheduleActivity('A'),
      ctx.all([ctx.waitForEvent('E'), ctx.race(ctx.dequeueEvent('q'), ctx.scheduleTimer(9))]),
      ctx.scheduleActivityWithRetry('R', 1, { maxAttempts: 3 }),
    );
    yield ctx.scheduleActivity('next');
    return winner;
  });
  engine.ok(2, 'a');
  assert.deepEqual(engine.asked(), [
    'drop 1',
    'drop 6',
    'drop 3',
    'drop 4',
    'drop 5',
    'activity 7 next',
  ]);
  engine.ok(3, 'late');
  assert.deepEqual(engine.asked(), []);
  engine.ok(7, null);
  assert.deepEqual(engine.result, { index: 1, value: 'a' });
});

test('a failed winner of a race is told from a success', () => {
  const engine = new FakeEngine(function* (ctx) {
    return yield ctx.race(ctx.scheduleActivity('A'), ctx.scheduleTimer(5));
  });
  engine.fail(1, 'boom');
  assert.deepEqual(engine.asked(), ['drop 2']);
  assert.deepEqual(engine.result, { index: 0, value: 'boom', error: true });
});

test('of branches that are ready at once the lowest index wins', () => {
  const engine = new FakeEngine(function* (ctx) {
    return yield ctx.race(ctx.scheduleActivity('A'), ctx.all([]), ctx.startOrchestration('C', 'c'));
  });
  assert.deepEqual(engine.result, { index: 1, value: [] });
  assert.deepEqual(engine.asked(), ['activity 1 A', 'startOrchestration C', 'drop 1']);
});

test('a branch that throws is a failed task', () => {
  const engine = new FakeEngine(function* (ctx) {
    function* bad() {
      throw new RangeError('too far');
    }
    const settled = yield ctx.allSettled([bad(), ctx.scheduleActivity('A')]);
    return [settled[0].status, settled[0].reason.message, settled[1]];
  });
  engine.ok(1, 3);
  assert.deepEqual(engine.result, ['rejected', 'too far', { status: 'fulfilled', value: 3 }]);
});

test('any takes the first success and throws if there is none', () => {
  const code = function* (ctx) {
    try {
      return yield ctx.any([ctx.scheduleActivity('A'), ctx.scheduleActivity('B')]);
    } catch (error) {
      return error.errors.map((one) => one.message);
    }
  };
  const engine = new FakeEngine(code);
  engine.fail(1, 'a');
  engine.ok(2, 'b');
  assert.deepEqual(engine.result, { index: 1, value: 'b' });
  const failing = new FakeEngine(code);
  failing.fail(2, 'b');
  failing.fail(1, 'a');
  assert.deepEqual(failing.result, ['a', 'b']);
});

test('nesting may be ten thousand deep and a thousand wide', () => {
  const engine = new FakeEngine(function* (ctx) {
    let deep = ctx.scheduleActivity('A');
    for (let i = 0; i < 10000; i++) deep = ctx.race(ctx.all([deep]));
    const { value } = yield deep;
    const wide = yield ctx.all(Array.from({ length: 1000 }, (_, i) => ctx.scheduleTimer(i)));
    return [value.length, wide.length];
  });
  engine.ok(1, 'x');
  for (let token = 2; token <= 1001; token++) engine.ok(token, null);
  assert.deepEqual(engine.result, [1, 1000]);
});

test('dropping is not limited by depth', () => {
  const engine = new FakeEngine(function* (ctx) {
    function* level(n) {
      return yield n === 0 ? ctx.scheduleActivity('deep') : ctx.all([level(n - 1)]);
    }
    return yield ctx.race(level(5000), ctx.scheduleTimer(1));
  });
  engine.ok(2, null);
  assert.deepEqual(engine.asked(), ['drop 1']);
});

test('ten thousand yields that resume at once do not overflow the stack', () => {
  const engine = new FakeEngine(function* (ctx) {
    for (let i = 0; i < 10000; i++) yield ctx.startOrchestration('C', `c-${i}`, i);
    return 'done';
  });
  assert.equal(engine.steps[0].length, 10000);
  assert.equal(engine.result, 'done');
});

test('what is no task is refused inside the generator, by name and with a hint', () => {
  const cases = [
    [42, /yielded the number 42, .*ctx\.scheduleActivity/],
    [undefined, /yielded undefined/],
    [null, /yielded null/],
    [Promise.resolve(), /yielded a promise, .*in an activity/],
    [[1], /yielded an array, .*ctx\.all/],
    [{ type: 'nonsense' }, /unknown type 'nonsense'/],
    [{ type: 'toString' }, /unknown type 'toString'/],
    [() => {}, /yielded a function, .*call it/],
  ];
  for (const [value, pattern] of cases) {
    const engine = new FakeEngine(function* () {
      try {
        yield value;
        return 'accepted';
      } catch (error) {
        return [error.name, error.message];
      }
    });
    assert.equal(engine.result[0], 'TypeError');
    assert.match(engine.result[1], /^orchestration 'Test' /);
    assert.match(engine.result[1], pattern);
  }
});

test('a descriptor that was spoiled after it was made is refused when yielded', () => {
  const engine = new FakeEngine(function* (ctx) {
    const timer = ctx.scheduleTimer(5);
    timer.delayMs = -5;
    const messages = [];
    for (const task of [timer, { type: 'activity', name: 7, input: '1' }, hostile()]) {
      try {
        yield task;
      } catch (error) {
        messages.push(error.message);
      }
    }
    return messages;
  });
  const [first, second, third] = engine.result;
  assert.match(first, /delayMs must be a whole number from 0 on, not -5/);
  assert.match(second, /name must be a string, not the number 7/);
  assert.equal(third, 'gotcha');
});

function hostile() {
  return {
    type: 'activity',
    get name() {
      throw new Error('gotcha');
    },
  };
}

test('wrong arguments throw at the call', () => {
  const wrong = [
    (ctx) => ctx.scheduleTimer(-1),
    (ctx) => ctx.scheduleTimer(1.5),
    (ctx) => ctx.scheduleTimer('5'),
    (ctx) => ctx.scheduleTimer(Number.NaN),
    (ctx) => ctx.scheduleActivity(''),
    (ctx) => ctx.scheduleActivity(undefined),
    (ctx) => ctx.scheduleActivity('A', 1n),
    (ctx) => ctx.scheduleActivity('A', () => {}),
    (ctx) => ctx.scheduleActivity('A', null, { session: 'x' }),
    (ctx) => ctx.waitForEvent(5),
    (ctx) => ctx.dequeueEvent(),
    (ctx) => ctx.all(ctx.utcNow()),
    (ctx) => ctx.all([1]),
    (ctx) => ctx.all([ctx.continueAsNew(1)]),
    (ctx) => ctx.race(),
    (ctx) => ctx.race([ctx.utcNow()]),
    (ctx) => ctx.any([]),
    (ctx) => ctx.scheduleActivityWithRetry('A', 1),
    (ctx) => ctx.scheduleActivityWithRetry('A', 1, { maxAttempts: 0 }),
    (ctx) => ctx.scheduleActivityWithRetry('A', 1, { maxAttempts: 1.5 }),
    (ctx) => ctx.scheduleActivityWithRetry('A', 1, { maxAttempts: 1, backoff: 'soon' }),
    (ctx) => ctx.scheduleActivityWithRetry('A', 1, { maxAttempts: 1, timeoutMs: -1 }),
    (ctx) => ctx.scheduleSubOrchestrationWithId('C', 'sub::1'),
    (ctx) => ctx.startOrchestration('C', 'a::sub::1'),
    (ctx) => ctx.scheduleActivity('A').withTag('x'.repeat(257)),
    (ctx) => ctx.scheduleActivity('A').withTag(5),
  ];
  const engine = new FakeEngine(function* (ctx) {
    const caught = wrong.map((call) => {
      try {
        call(ctx);
        return `accepted: ${call}`;
      } catch (error) {
        return error instanceof Error ? 'thrown' : 'no error';
      }
    });
    yield ctx.scheduleTimer(0);
    return caught;
  });
  engine.ok(1, null);
  assert.deepEqual(
    engine.result,
    wrong.map(() => 'thrown'),
  );
});

test('continueAsNew ends the execution; unyielded it does nothing', () => {
  const reached = [];
  const engine = new FakeEngine(function* (ctx) {
    ctx.continueAsNew('ignored');
    try {
      yield ctx.continueAsNewVersioned({ n: 1 }, '2.0.0');
      reached.push('after');
    } finally {
      reached.push('finally');
    }
  });
  assert.deepEqual(engine.asked(), ['continueAsNew']);
  assert.equal(engine.steps[0][0].input, '{"n":1}');
  assert.equal(engine.steps[0][0].version, '2.0.0');
  assert.equal(engine.outcome, null);
  assert.deepEqual(reached, []);
});

test('a generator can be waited for only once', () => {
  const engine = new FakeEngine(function* (ctx) {
    const once = (function* () {
      return 1;
    })();
    return yield ctx.all([once, once]);
  });
  assert.deepEqual(engine.result[0], { ok: 1 });
  assert.match(engine.result[1].err, /only once/);
});

test('failures are thrown as errors of their kind, with the cause', () => {
  const thrown = { name: 'MyError', message: 'm', stack: 'MyError: m\n  at x' };
  const seen = [];
  const code = function* (ctx) {
    for (const task of [
      ctx.scheduleActivity('A'),
      ctx.scheduleSubOrchestration('C'),
      ctx.scheduleSubOrchestration('D'),
    ]) {
      try {
        yield task;
      } catch (error) {
        seen.push(error);
      }
    }
  };
  const told = (kind, more) => JSON.stringify({ kind, ...more });
  const engine = new FakeEngine(code);
  engine.fail(1, 'Activity failed', told('application', { thrown }));
  engine.fail(2, 'canceled: says the child', told('application'));
  engine.fail(3, 'canceled: enough', told('cancelled', { reason: 'enough' }));
  assert.ok(seen[0] instanceof ActivityError);
  assert.equal(seen[0].cause.name, 'MyError');
  assert.equal(seen[0].cause.message, 'm');
  assert.match(seen[0].cause.stack, /at x/);
  assert.ok(seen[1] instanceof OrchestrationError);
  assert.equal(seen[1].cause, undefined);
  assert.ok(seen[2] instanceof CancelledError);
  const old = new FakeEngine(code, { rules: 0 });
  old.fail(1, 'Activity failed', told('application', { thrown }));
  old.fail(2, 'canceled: says the child', told('application'));
  assert.ok(seen[4] instanceof CancelledError, 'what code caught before it catches again');
});

test('what escapes the code is the failure, without growing', () => {
  const thrown = (value) =>
    new FakeEngine(function* () {
      throw value;
    }).outcome.message;
  assert.equal(thrown(new Error('plain')), 'plain');
  assert.equal(thrown(new TypeError('tt')), 'TypeError: tt');
  assert.equal(thrown(new Error('')), 'Error');
  assert.equal(thrown('text'), 'text');
  assert.equal(thrown(null), 'null');
  assert.equal(thrown(undefined), 'undefined');
  assert.equal(thrown(Object.create(null)), 'a value that cannot be described');
  const engine = new FakeEngine(function* (ctx) {
    yield ctx.scheduleActivity('A');
  });
  engine.fail(1, "Activity 'A' failed: Error: boom");
  assert.equal(engine.outcome.message, "Activity 'A' failed: Error: boom");
});

test('a result that cannot be serialised fails the orchestration', () => {
  const result = (value) =>
    new FakeEngine(function* () {
      return value;
    }).outcome;
  assert.match(result(1n).message, /^TypeError: .*BigInt/);
  assert.match(result(() => {}).message, /^TypeError: the result of orchestration 'Test'/);
  const cycle = {};
  cycle.cycle = cycle;
  assert.match(result(cycle).message, /^TypeError: .*circular/);
  assert.deepEqual(result(undefined), { ok: true, output: 'null' });
});

test('inputs and results that are not JSON come through as text', () => {
  const engine = new FakeEngine(
    function* (ctx, input) {
      return [input, yield ctx.scheduleActivity('A')];
    },
    { input: 'not json' },
  );
  engine.run({ deliveries: [{ token: 1, ok: true, value: 'raw{', details: '' }] });
  assert.deepEqual(engine.result, ['not json', 'raw{']);
});

test('typed tasks parse a string result once more; events do not', () => {
  const engine = new FakeEngine(function* (ctx) {
    return [
      yield ctx.scheduleActivity('A'),
      yield ctx.scheduleActivityTyped('A'),
      yield ctx.allTyped([ctx.scheduleActivity('A')]),
      yield ctx.raceTyped(ctx.scheduleActivity('A')),
      yield ctx.waitForEventTyped('E'),
      yield ctx.all([ctx.scheduleActivityTyped('A')]),
    ];
  });
  for (let token = 1; token <= 6; token++) engine.ok(token, '42');
  assert.deepEqual(engine.result, [
    '42',
    42,
    [{ ok: 42 }],
    { index: 0, value: 42 },
    '42',
    [{ ok: '42' }],
  ]);
});

test('custom status and values are read as this code wrote them, and recorded in order', () => {
  const engine = new FakeEngine(
    function* (ctx) {
      const seen = [ctx.getCustomStatus(), ctx.getValue('old'), ctx.getValue('none')];
      ctx.setCustomStatus('working');
      ctx.setValue('n', 1);
      ctx.setValue('o', { a: 1 });
      ctx.clearValue('old');
      seen.push(ctx.getCustomStatus(), ctx.getKvAllKeys(), ctx.getKvAllValues());
      yield ctx.scheduleTimer(0);
      ctx.resetCustomStatus();
      ctx.clearAllValues();
      return [...seen, ctx.getCustomStatus(), ctx.getKvLength()];
    },
    { customStatus: 'inherited', values: [['old', 'v', 5]] },
  );
  assert.deepEqual(engine.asked(), [
    'setCustomStatus',
    'setValue n',
    'setValue o',
    'clearValue old',
    'timer 1',
  ]);
  assert.equal(engine.steps[0][1].value, '1');
  engine.ok(1, null);
  assert.deepEqual(engine.asked(), ['setCustomStatus', 'clearValues']);
  assert.equal(engine.steps[1][0].value, null);
  assert.deepEqual(engine.result, [
    'inherited',
    'v',
    null,
    'working',
    ['n', 'o'],
    { n: '1', o: '{"a":1}' },
    null,
    0,
  ]);
});

test('limits throw at the call and change nothing', () => {
  const engine = new FakeEngine(function* (ctx) {
    const texts = [];
    const attempt = (call) => {
      try {
        call();
        texts.push('accepted');
      } catch (error) {
        texts.push(error.message);
      }
    };
    attempt(() => ctx.setCustomStatus('x'.repeat(262144)));
    attempt(() => ctx.setCustomStatus('x'.repeat(262145)));
    attempt(() => ctx.setValue('k', 'é'.repeat(32768)));
    attempt(() => ctx.setValue('k', 'x'.repeat(65537)));
    for (let i = 0; i < 149; i++) ctx.setValue(`k${i}`, '');
    attempt(() => ctx.setValue('one more', ''));
    attempt(() => ctx.setValue('k0', 'again'));
    attempt(() => ctx.scheduleActivity('A').withTag('x'.repeat(257)));
    return texts;
  });
  assert.deepEqual(engine.result, [
    'accepted',
    'Custom status size (262145 bytes) exceeds limit (262144 bytes)',
    'accepted',
    "KV value for key 'k' (65537 bytes) exceeds limit (65536 bytes)",
    'KV key count (151) exceeds limit (150)',
    'accepted',
    "Activity 'A' tag size (257 bytes) exceeds limit (256 bytes)",
  ]);
});

test('pruning removes old keys in key order, by the recorded times of the steps that wrote them', () => {
  const code = function* (ctx) {
    ctx.setValue('c', 'at the start');
    ctx.setValue('e', 'at the start');
    yield ctx.scheduleTimer(1);
    ctx.setValue('e', 'after the timer');
    return [99.9, 100, Number.NaN, -5, 200, 201, 300, 301].map((cutoff) => [
      ctx.pruneKvValuesUpdatedBefore(cutoff),
      ctx.getKvAllKeys().join(),
    ]);
  };
  const opening = {
    startedMs: 200,
    values: [
      ['b', '1', 50],
      ['a', '1', 99],
      ['c', '1', 1],
      ['d', '1', 100],
    ],
  };
  const engine = new FakeEngine(code, opening);
  engine.ok(1, null, 300);
  const cleared = ['b', 'a', 'd', 'c', 'e'].map((key) => `clearValue ${key}`);
  assert.deepEqual(engine.asked(), ['setValue e', ...cleared]);
  assert.deepEqual(engine.result, [
    [1, 'a,c,d,e'],
    [1, 'c,d,e'],
    [0, 'c,d,e'],
    [0, 'c,d,e'],
    [1, 'c,e'],
    [1, 'e'],
    [0, 'e'],
    [1, ''],
  ]);
  const deliveries = [delivered(1, null, 300)];
  const again = new FakeEngine(code, { ...opening, deliveries, replaySteps: 2 });
  assert.deepEqual(again.steps, engine.steps);
  assert.deepEqual(again.result, engine.result);
});

test('texts are well formed as soon as they are written', () => {
  const engine = new FakeEngine(function* (ctx) {
    ctx.setCustomStatus('s\ud800\0');
    ctx.setValue('k\udc00', 'v\ud800');
    return [ctx.getCustomStatus(), ctx.getValue('k\udc00'), ctx.getKvAllKeys()];
  });
  assert.deepEqual(engine.result, ['s\ufffd\0', 'v\ufffd', ['k\ufffd']]);
});

test('keys are sorted by code point', () => {
  const engine = new FakeEngine(function* (ctx) {
    for (const key of ['\u{1f600}', '\uffee', 'a', 'ab', '__proto__']) ctx.setValue(key, '');
    return [ctx.getKvAllKeys(), Object.keys(ctx.getKvAllValues()).length];
  });
  assert.deepEqual(engine.result, [['__proto__', 'a', 'ab', '\uffee', '\u{1f600}'], 5]);
});

test('a context used outside its run reads nothing and changes nothing', () => {
  let kept;
  const engine = new FakeEngine(
    function* (ctx) {
      kept = ctx;
      yield ctx.scheduleTimer(1);
    },
    { customStatus: 's', values: [['k', 'v', 1]] },
  );
  kept.setValue('k', 'changed');
  kept.setCustomStatus('changed');
  kept.traceInfo('lost');
  assert.equal(kept.getValue('k'), null);
  assert.equal(kept.getCustomStatus(), null);
  assert.deepEqual(kept.getKvAllValues(), {});
  engine.ok(1, null);
  assert.deepEqual(engine.asked(), []);
  assert.deepEqual(engine.traces, []);
});

test('traces carry the step they belong to', () => {
  const engine = new FakeEngine(
    function* (ctx) {
      ctx.traceInfo(`start ${ctx.isReplaying}`);
      yield ctx.scheduleTimer(1);
      ctx.traceError(`fired ${ctx.isReplaying}`);
    },
    { deliveries: [delivered(1, null)], replaySteps: 1 },
  );
  assert.deepEqual(engine.traces, [
    { token: 1, step: 0, level: 1, message: 'start true' },
    { token: 1, step: 1, level: 3, message: 'fired false' },
  ]);
});

test('the context has exactly four enumerable fields', () => {
  const engine = new FakeEngine(
    function* (ctx) {
      return { ...ctx };
    },
    { execution: 3 },
  );
  assert.deepEqual(engine.result, {
    instanceId: 'i-1',
    executionId: 3,
    orchestrationName: 'Test',
    orchestrationVersion: '1.0.0',
  });
});

test('a dropped resident is forgotten, and without running finally', () => {
  let cleanedUp = false;
  const engine = new FakeEngine(function* (ctx) {
    try {
      yield ctx.scheduleTimer(1);
    } finally {
      cleanedUp = true;
    }
  });
  assert.equal(engine.turns.size, 1);
  engine.turns.drop({ runtime: 1, resident: 7 });
  assert.equal(engine.turns.size, 0);
  assert.equal(cleanedUp, false);
  assert.match(engine.ok(1, null).outcome.message, /resident 7 is not here/);
});

test('yield* on a task gives its result, and the shape of descriptors is plain', () => {
  const engine = new FakeEngine(function* (ctx) {
    const task = ctx.scheduleActivity('A', { x: 1 }, { sessionId: 's' });
    assert.deepEqual(Object.keys(task), ['type', 'name', 'input', 'sessionId', 'withTag']);
    assert.equal(task.withTag('gpu'), task);
    assert.equal(task.tag, 'gpu');
    assert.deepEqual(ctx.scheduleTimer(5), { type: 'timer', delayMs: 5 });
    assert.deepEqual(ctx.scheduleSubOrchestrationVersionedWithId('C', '', 'c-1', 1), {
      type: 'subOrchestrationVersionedWithId',
      name: 'C',
      version: null,
      instanceId: 'c-1',
      input: '1',
    });
    assert.equal(ctx.scheduleTimer(5).withTag, undefined);
    return yield* task;
  });
  assert.deepEqual(
    { ...engine.steps[0][0] },
    {
      kind: 1,
      token: 1,
      name: 'A',
      input: '{"x":1}',
      value: null,
      version: null,
      instance: null,
      session: 's',
      tag: 'gpu',
      delayMs: 0,
      location: null,
    },
  );
  engine.ok(1, 'r');
  assert.equal(engine.result, 'r');
});
