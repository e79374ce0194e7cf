'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { withRuntime, completed, failed } = require('./support/harness.js');

const upper = { Upper: (_ctx, text) => text.toUpperCase() };

test('E9 basic: a parent uses the result of its child', async (t) => {
  const h = await withRuntime(t, {
    activities: upper,
    orchestrations: {
      *Child(ctx, text) {
        return yield ctx.scheduleActivity('Upper', text);
      },
      *Parent(ctx, text) {
        return `parent:${yield ctx.scheduleSubOrchestration('Child', text)}`;
      },
    },
  });
  assert.equal(await h.output('Parent', 'hi'), 'parent:HI');
});

test('E10 fan-out: children give numbers', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Half(_ctx, n) {
        return n / 2;
      },
      *FanOut(ctx) {
        const halves = yield ctx.all([8, 12].map((n) => ctx.scheduleSubOrchestration('Half', n)));
        return `total=${halves[0].ok + halves[1].ok}`;
      },
    },
  });
  assert.equal(await h.output('FanOut'), 'total=10');
});

test('E11 chain: three levels', async (t) => {
  const h = await withRuntime(t, {
    activities: { AppendX: (_ctx, text) => `${text}x` },
    orchestrations: {
      *Leaf(ctx, text) {
        return yield ctx.scheduleActivity('AppendX', text);
      },
      *Mid(ctx, text) {
        return `${yield ctx.scheduleSubOrchestration('Leaf', text)}-mid`;
      },
      *Root(ctx, text) {
        return `root:${yield ctx.scheduleSubOrchestration('Mid', text)}`;
      },
    },
  });
  assert.equal(await h.output('Root', 'a'), 'root:ax-mid');
});

test('E23 detached: children run under their own ids, without their starter', async (t) => {
  const h = await withRuntime(t, {
    activities: upper,
    orchestrations: {
      *Chained(ctx, text) {
        return yield ctx.scheduleActivity('Upper', text);
      },
      *Coordinator(ctx) {
        const a = yield ctx.startOrchestration('Chained', 'W1', 'a');
        const b = yield ctx.startOrchestration('Chained', 'W2', 'b');
        return a === null && b === null ? 'scheduled' : 'unexpected';
      },
    },
  });
  assert.equal(await h.output('Coordinator'), 'scheduled');
  assert.equal(completed(await h.wait('W1')), 'A');
  assert.equal(completed(await h.wait('W2')), 'B');
});

test('E24 detached start, then an activity', async (t) => {
  const h = await withRuntime(t, {
    activities: upper,
    orchestrations: {
      *Background(ctx, text) {
        return yield ctx.scheduleActivity('Upper', text);
      },
      *Starter(ctx) {
        yield ctx.startOrchestration('Background', 'bg-1', 'child');
        return yield ctx.scheduleActivity('Upper', 'parent');
      },
    },
  });
  assert.equal(await h.output('Starter'), 'PARENT');
  assert.equal(completed(await h.wait('bg-1')), 'CHILD');
});

test('a detached start survives that its starter continues as new', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Background(_ctx, n) {
        return n;
      },
      *Restarter(ctx, round) {
        if (round === 2) return 'done';
        yield ctx.startOrchestration('Background', `bg-${round}`, round);
        return yield ctx.continueAsNew(round + 1);
      },
    },
  });
  assert.equal(await h.output('Restarter', 0), 'done');
  assert.equal(completed(await h.wait('bg-0')), 0);
  assert.equal(completed(await h.wait('bg-1')), 1);
});

test('F8 race of two children: the slow one is told to stop', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Fast() {
        return 'fast';
      },
      *Slow(ctx) {
        return yield ctx.waitForEvent('never');
      },
      *Racer(ctx) {
        return yield ctx.race(
          ctx.scheduleSubOrchestration('Fast'),
          ctx.scheduleSubOrchestrationWithId('Slow', 'slow-1'),
        );
      },
    },
  });
  assert.deepEqual(await h.output('Racer'), { index: 0, value: 'fast' });
  assert.match(failed(await h.wait('slow-1')), /^canceled: parent dropped sub-orchestration/);
});

const blocks = {
  activities: {
    Work: (_ctx, text) => `done(${text})`,
    Check: (_ctx, text) => text.length > 3,
  },
  orchestrations: {
    *Branching(ctx, text) {
      const isLong = yield ctx.scheduleActivity('Check', text);
      return yield ctx.scheduleActivity('Work', isLong ? `long ${text}` : `short ${text}`);
    },
    *Looping(ctx, text) {
      const parts = [];
      for (let i = 0; i < 3; i++) parts.push(yield ctx.scheduleActivity('Work', `${text}${i}`));
      return parts.join('+');
    },
    *Timed(ctx, { text, delayMs }) {
      yield ctx.scheduleTimer(delayMs);
      return yield ctx.scheduleActivity('Work', text);
    },
    *Grandparent(ctx, input) {
      return `via:${yield ctx.scheduleSubOrchestration('Timed', input)}`;
    },
    *Joining(ctx, text) {
      const results = yield ctx.all([
        ctx.scheduleActivity('Work', `${text}-1`),
        ctx.scheduleSubOrchestration('Branching', text),
      ]);
      return results.map((result) => result.ok).join('|');
    },
    *Racing(ctx, delays) {
      const { index } = yield ctx.race(
        ...delays.map((delayMs) => ctx.scheduleSubOrchestration('Timed', { text: 'r', delayMs })),
      );
      return `raced:${index}`;
    },
  },
};

/** Runs one orchestration beside the blocks, and gives its output. */
async function block(t, code) {
  const h = await withRuntime(t, {
    ...blocks,
    orchestrations: { ...blocks.orchestrations, Block: code },
  });
  return h.output('Block');
}

const timed = (ctx, text, delayMs) => ctx.scheduleSubOrchestration('Timed', { text, delayMs });

test('B1 join of three children with branches, loops and a timer', async (t) => {
  const output = await block(t, function* (ctx) {
    const results = yield ctx.all([
      ctx.scheduleSubOrchestration('Branching', 'input'),
      ctx.scheduleSubOrchestration('Looping', 'l'),
      timed(ctx, 'late', 10),
    ]);
    return results.map((result) => result.ok);
  });
  assert.deepEqual(output, ['done(long input)', 'done(l0)+done(l1)+done(l2)', 'done(late)']);
});

test('B2 join of five of the same child', async (t) => {
  const output = await block(t, function* (ctx) {
    const inputs = ['a', 'b', 'c', 'd', 'e'];
    const results = yield ctx.all(inputs.map((i) => ctx.scheduleSubOrchestration('Branching', i)));
    return results.map((result) => result.ok);
  });
  assert.deepEqual(
    output,
    ['a', 'b', 'c', 'd', 'e'].map((i) => `done(short ${i})`),
  );
});

test('B3 sequential blocks', async (t) => {
  const output = await block(t, function* (ctx) {
    const first = yield ctx.scheduleActivity('Work', 'one');
    yield ctx.scheduleTimer(5);
    return `final:${yield ctx.scheduleActivity('Work', first)}`;
  });
  assert.equal(output, 'final:done(done(one))');
});

test('B4 a child beats a child with a long timer', async (t) => {
  const output = await block(t, function* (ctx) {
    return yield ctx.race(ctx.scheduleSubOrchestration('Branching', 'x'), timed(ctx, 'y', 60000));
  });
  assert.deepEqual(output, { index: 0, value: 'done(short x)' });
});

test('B5 an activity beats a child', async (t) => {
  const output = await block(t, function* (ctx) {
    return yield ctx.race(ctx.scheduleActivity('Work', 'w'), timed(ctx, 'y', 60000));
  });
  assert.deepEqual(output, { index: 0, value: 'done(w)' });
});

test('B6 a race of nested groups', async (t) => {
  const output = await block(t, function* (ctx) {
    return yield ctx.race(
      timed(ctx, 'quick', 1),
      ctx.scheduleSubOrchestration('Racing', [60000, 90000]),
    );
  });
  assert.deepEqual(output, { index: 0, value: 'done(quick)' });
});

test('B7 a child that joins beats a timeout child', async (t) => {
  const output = await block(t, function* (ctx) {
    return yield ctx.race(ctx.scheduleSubOrchestration('Joining', 'j'), timed(ctx, 'y', 60000));
  });
  assert.deepEqual(output, { index: 0, value: 'done(j-1)|done(short j)' });
});

test('B8 the winning child has a child of its own', async (t) => {
  const output = await block(t, function* (ctx) {
    const child = ctx.scheduleSubOrchestration('Grandparent', { text: 'g', delayMs: 1 });
    return yield ctx.race(child, timed(ctx, 'y', 60000));
  });
  assert.deepEqual(output, { index: 0, value: 'via:done(g)' });
});

test('B9 the losing child has a child of its own', async (t) => {
  const output = await block(t, function* (ctx) {
    const child = ctx.scheduleSubOrchestration('Grandparent', { text: 'g', delayMs: 120000 });
    return yield ctx.race(child, timed(ctx, 'y', 1));
  });
  assert.deepEqual(output, { index: 1, value: 'done(y)' });
});

test('B10 join of children with grandchildren', async (t) => {
  const output = await block(t, function* (ctx) {
    const results = yield ctx.all([
      ctx.scheduleSubOrchestration('Grandparent', { text: 'g1', delayMs: 1 }),
      ctx.scheduleSubOrchestration('Joining', 'j'),
      ctx.scheduleSubOrchestration('Grandparent', { text: 'g2', delayMs: 2 }),
    ]);
    return results.map((result) => result.ok);
  });
  assert.deepEqual(output, ['via:done(g1)', 'done(j-1)|done(short j)', 'via:done(g2)']);
});

test('B11 a race with a nested timeout group', async (t) => {
  const output = await block(t, function* (ctx) {
    return yield ctx.race(
      ctx.scheduleSubOrchestration('Racing', [1, 60000]),
      timed(ctx, 'outer', 90000),
    );
  });
  assert.deepEqual(output, { index: 0, value: 'raced:0' });
});

test('B12 nested chain: children and activities mixed', async (t) => {
  const output = await block(t, function* (ctx) {
    const results = yield ctx.all([
      ctx.scheduleSubOrchestration('Joining', 'first'),
      ctx.scheduleActivity('Work', 'plain'),
      ctx.scheduleSubOrchestration('Joining', 'second'),
    ]);
    return results.map((result) => result.ok);
  });
  assert.deepEqual(output, [
    'done(first-1)|done(long first)',
    'done(plain)',
    'done(second-1)|done(long second)',
  ]);
});

test('a child without an id is named after its parent and its event', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Child(ctx) {
        return ctx.instanceId;
      },
      *Parent(ctx, round) {
        const id = yield ctx.scheduleSubOrchestration('Child');
        return round === 0 ? yield ctx.continueAsNew(1) : id;
      },
    },
  });
  const id = await h.launch('Parent', 0);
  assert.equal(completed(await h.wait(id)), `${id}::sub::2_2`);
});

test('a child id that is taken fails the yield', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Child() {
        return 'child';
      },
      *Parent(ctx) {
        yield ctx.scheduleSubOrchestrationWithId('Child', 'taken');
        const [again, reserved] = yield ctx.all([
          ctx.scheduleSubOrchestrationWithId('Child', 'taken'),
          (function* () {
            return yield ctx.scheduleSubOrchestrationWithId('Child', 'sub::x');
          })(),
        ]);
        return [again.err, reserved.err];
      },
    },
  });
  const [again, reserved] = await h.output('Parent');
  assert.equal(again, "sub-orchestration instance id 'taken' already exists and is terminal");
  assert.match(reserved, /^sub-orchestration instance id 'sub::x' starts with the reserved marker/);
});

test('the children of a loser end with it, at every level', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Leaf(ctx) {
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('never');
      },
      *Middle(ctx) {
        yield ctx.scheduleSubOrchestration('Leaf');
      },
      *Loser(ctx) {
        yield ctx.scheduleSubOrchestration('Middle');
      },
      *Racer(ctx) {
        return yield ctx.race(ctx.scheduleSubOrchestration('Loser'), ctx.waitForEvent('go'));
      },
    },
  });
  const id = await h.launch('Racer');
  const loser = `${id}::sub::2`;
  const middle = `${loser}::sub::2`;
  await h.until(`${middle}::sub::2`, 'waiting');
  await h.client.raiseEvent(id, 'go', 'won');
  assert.deepEqual(completed(await h.wait(id)), { index: 1, value: 'won' });
  assert.match(failed(await h.wait(loser)), /^canceled: parent dropped sub-orchestration/);
  for (const descendant of [middle, `${middle}::sub::2`]) {
    assert.equal(failed(await h.wait(descendant)), 'canceled: parent canceled');
  }
});
