'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const {
  completed,
  makeRuntime,
  openStore,
  withRuntime,
  withStore,
} = require('./support/harness.js');

const about = {
  About: (ctx, input) => ({ session: ctx.sessionId, tag: ctx.tag(), input, worker: ctx.workerId }),
};

test('S1 to S7 activities see their session, or null', async (t) => {
  const h = await withRuntime(t, {
    activities: about,
    orchestrations: {
      *Sessions(ctx) {
        const tasks = [
          ctx.scheduleActivityOnSession('About', 1, 'a'),
          ctx.scheduleActivity('About', 2, { sessionId: 'b' }),
          ctx.scheduleActivityOnSession('About', 3, 'a'),
          ctx.scheduleActivity('About', 4),
          ctx.scheduleActivityOnSession('About', 5, ''),
        ];
        const seen = [];
        for (const task of tasks) seen.push(yield task);
        return seen.map(({ session, input }) => [session, input]);
      },
    },
  });
  assert.deepEqual(await h.output('Sessions'), [
    ['a', 1],
    ['b', 2],
    ['a', 3],
    [null, 4],
    [null, 5],
  ]);
});

test('S8 to S11 sessions and plain activities join in order', async (t) => {
  const h = await withRuntime(t, {
    options: { maxSessionsPerRuntime: 5, sessionIdleTimeoutMs: 60000, workerNodeId: 'node-1' },
    activities: about,
    orchestrations: {
      *Joined(ctx) {
        const results = yield ctx.all(
          ['a', 'b', '', 'a', 'b', ''].map((session, n) =>
            ctx.scheduleActivity('About', n, { sessionId: session }),
          ),
        );
        return results.map(({ ok }) => [ok.session, ok.input]);
      },
    },
  });
  assert.deepEqual(await h.output('Joined'), [
    ['a', 0],
    ['b', 1],
    [null, 2],
    ['a', 3],
    ['b', 4],
    [null, 5],
  ]);
});

test('S12 and S13 a session goes through continue-as-new', async (t) => {
  const code = function* (ctx, input) {
    const { session } = yield ctx.scheduleActivityOnSession('About', input, 'lasting');
    return input === 'first'
      ? yield ctx.continueAsNewVersioned('second', '2.0.0')
      : `${ctx.orchestrationVersion}:${session}:${input}`;
  };
  const h = await withRuntime(t, {
    activities: about,
    versions: [
      ['Tracked', '1.0.0', code],
      ['Tracked', '2.0.0', code],
    ],
  });
  await h.client.startOrchestrationVersioned('t-1', 'Tracked', 'first', '1.0.0');
  assert.equal(completed(await h.wait('t-1')), '2.0.0:lasting:second');
});

test('G1 to G3 tags route activities', async (t) => {
  const h = await withRuntime(t, {
    options: { workerTagFilter: { defaultAnd: ['gpu'] } },
    activities: about,
    orchestrations: {
      *Tagged(ctx) {
        const task = ctx.scheduleActivity('About');
        assert.equal(task.withTag('gpu'), task);
        assert.equal(task.tag, 'gpu');
        const retry = ctx.scheduleActivityWithRetry('About', null, { maxAttempts: 1 });
        const tags = [];
        for (const one of [task, ctx.scheduleActivity('About'), retry.withTag('gpu')]) {
          tags.push((yield one).tag);
        }
        return tags;
      },
    },
  });
  assert.deepEqual(await h.output('Tagged'), ['gpu', null, 'gpu']);
});

test('G4 and G8 a tag that nobody takes loses to a timer', async (t) => {
  const h = await withRuntime(t, {
    activities: about,
    orchestrations: {
      *Fallback(ctx) {
        const { index } = yield ctx.race(
          ctx.scheduleActivity('About').withTag('gpu'),
          ctx.scheduleTimer(50),
        );
        const { tag } = yield ctx.scheduleActivity('About');
        return [index, tag];
      },
    },
  });
  assert.deepEqual(await h.output('Fallback'), [1, null]);
});

test('G5 every form of the filter is taken', async (t) => {
  const { provider } = await openStore(t);
  const filters = ['defaultOnly', 'any', 'none', { tags: ['gpu'] }, { defaultAnd: ['gpu'] }];
  for (const workerTagFilter of filters) {
    const runtime = makeRuntime(provider, { activities: about, options: { workerTagFilter } });
    await runtime.start();
    await runtime.shutdown(100);
  }
});

test('G6 a worker for any tag takes tagged and untagged activities', async (t) => {
  const h = await withRuntime(t, {
    options: { workerTagFilter: 'any' },
    activities: about,
    orchestrations: {
      *Any(ctx) {
        const tagged = yield ctx.scheduleActivity('About').withTag('whatever');
        return [tagged.tag, (yield ctx.scheduleActivity('About')).tag];
      },
    },
  });
  assert.deepEqual(await h.output('Any'), ['whatever', null]);
});

test('G9 two runtimes of one process work together by tags', async (t) => {
  const h = await withStore(t);
  const setup = {
    activities: about,
    orchestrations: {
      *Pipeline(ctx) {
        const first = yield ctx.scheduleActivity('About', 1);
        const second = yield ctx.scheduleActivity('About', 2).withTag('gpu');
        return [first.tag, second.tag];
      },
    },
  };
  await h.start({ ...setup, options: { workerTagFilter: 'defaultOnly' } });
  await h.start({
    ...setup,
    options: { orchestrationConcurrency: 0, workerTagFilter: { tags: ['gpu'] } },
  });
  assert.deepEqual(await h.output('Pipeline'), [null, 'gpu']);
});
