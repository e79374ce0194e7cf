'use strict';

/** What the page shows, and what it does, without a browser. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Client } = require('../lib/duroxide.js');
const { withRuntime, withStore } = require('./support/harness.js');
const { mounted } = require('./support/ui.js');

const HOSTILE = '<script>alert(1)</script>"\'\u0000\u202e';

/** Orders that wait for an event, with a child and a failure on the way. */
const SHOP = {
  activities: {
    Reserve: (_, order) => ({ reserved: order.card }),
    Charge: () => {
      throw Object.assign(new Error('card 4111 declined'), { code: 'DECLINED' });
    },
  },
  orchestrations: {
    *Order(ctx, order) {
      ctx.setCustomStatus({ step: 'reserving', card: order.card });
      ctx.setValue('card', order.card);
      yield ctx.scheduleActivity('Reserve', order);
      try {
        yield ctx.scheduleActivity('Charge', order);
      } catch {
        // It is asked for another card.
      }
      const [paid] = yield ctx.all([
        ctx.waitForEvent('paid'),
        ctx.scheduleSubOrchestrationWithId('Parcel', 'parcel', { to: order.card }),
      ]);
      return paid.ok;
    },
    *Parcel(ctx) {
      return yield ctx.dequeueEvent('scans');
    },
    *Broken() {
      throw Object.assign(new Error('no stock left'), { cause: new Error('warehouse 7') });
    },
  },
};

/** Waits until a view is as a test wants it. */
async function shown(visitor, view, isWanted) {
  const stream = await visitor.follow(view);
  const event = await stream.until(({ event, data }) => event === 'data' && isWanted(data));
  await stream.close();
  return event.data;
}

async function withOrder(t, options) {
  const h = await withRuntime(t, SHOP);
  await h.client.startOrchestration('order', 'Order', { card: '4111', note: HOSTILE });
  const page = await mounted(t, h.client, { readOnly: false, ...options });
  // A view is put together from several reads, and the child may come between two of them.
  const isThere = ({ waitingFor, childCount }) =>
    childCount === 1 &&
    waitingFor.some(({ waitingFor: of }) => of?.some(({ kind }) => kind === 'queue'));
  const instance = await shown(page.visitor, 'instance?id=order', isThere);
  return { h, ...page, instance };
}

test('an instance: what it waits for, what it is, what was recorded', async (t) => {
  const { visitor, instance } = await withOrder(t);
  const [child, event] = instance.waitingFor.toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  assert.deepEqual([event.kind, event.name], ['event', 'paid']);
  assert.deepEqual([child.kind, child.instanceId], ['child', 'parcel']);
  assert.equal(child.waitingFor[0].name, 'scans');
  assert.equal(instance.status, 'Running');
  assert.deepEqual(JSON.parse(instance.customStatus.text), { step: 'reserving', card: '4111' });
  assert.deepEqual(instance.values, [{ key: 'card', value: { text: '4111' } }]);
  assert.equal(instance.childCount, 1);

  const { events, total, hasEarlier } = await visitor.get('history?id=order');
  assert.deepEqual([events.length, hasEarlier], [total, false]);
  const [started] = events;
  assert.equal(started.kind, 'OrchestrationStarted');
  assert.deepEqual(JSON.parse(started.values.input.text), { card: '4111', note: HOSTILE });
  const reserved = events.find(({ kind }) => kind === 'ActivityCompleted');
  assert.equal(reserved.name, 'Reserve');
  assert.deepEqual(JSON.parse(reserved.values.output.text), { reserved: '4111' });
  const charged = events.find(({ kind }) => kind === 'ActivityFailed');
  const failure = JSON.parse(charged.failure.text);
  assert.deepEqual([failure.message, failure.code], ['card 4111 declined', 'DECLINED']);
  assert.match(charged.place, /ui-views\.test\.js:\d+/);
  assert.equal(charged.name, 'Charge');

  const { nodes } = await visitor.get('tree?id=order');
  assert.deepEqual(
    nodes.map(({ instanceId, parentInstanceId }) => [instanceId, parentInstanceId]),
    [
      ['order', undefined],
      ['parcel', 'order'],
    ],
  );
  assert.deepEqual((await visitor.get('tree?id=parcel')).nodes.length, 1);
});

test('a change is shown without being asked for', async (t) => {
  const { h, visitor } = await withOrder(t);
  const stream = await visitor.follow('instance?id=order');
  await stream.next();
  await h.client.enqueueEvent('parcel', 'scans', 1);
  await h.client.raiseEvent('order', 'paid', { by: 'card' });
  const { data } = await stream.until(({ data: { status } }) => status === 'Completed');
  assert.deepEqual(data.waitingFor, []);
  assert.deepEqual(JSON.parse(data.output.text), { by: 'card' });
  await h.client.deleteInstance('order');
  const gone = await stream.until(({ event }) => event === 'problem');
  assert.equal(gone.data.code, 'INSTANCE_NOT_FOUND');
  await stream.close();
});

test('a failed instance: its error, with its cause', async (t) => {
  const h = await withRuntime(t, SHOP);
  const { visitor } = await mounted(t, h.client);
  await h.run('Broken');
  const { status, error, failure } = await visitor.get('instance?id=Broken-1');
  assert.deepEqual([status, error], ['Failed', 'no stock left']);
  assert.equal(JSON.parse(failure.text).cause.message, 'warehouse 7');
  const { failed, counts } = await visitor.get('overview');
  assert.deepEqual([failed[0].instanceId, counts.Failed], ['Broken-1', 1]);
});

test('what redact hides is in nothing that is sent', async (t) => {
  const asked = [];
  const redact = (value, about) => {
    asked.push(about);
    return about.kind === 'customStatus' ? { step: value.step } : '[hidden]';
  };
  const { h, visitor, instance } = await withOrder(t, { redact });
  await h.client.enqueueEvent('parcel', 'scans', { card: '4111' });
  await h.client.raiseEvent('order', 'paid', { card: '4111' });
  await h.wait('order');
  await h.client.cancelInstance('order', 'card 4111');
  const { texts } = await everything(visitor, ['order', 'parcel']);
  assert.ok(texts.some((text) => text.includes('[hidden]')));
  for (const text of [JSON.stringify(instance), ...texts]) assert.doesNotMatch(text, /4111/);
  assert.deepEqual(JSON.parse(instance.customStatus.text), { step: 'reserving' });
  const kinds = new Set(asked.map(({ kind, name }) => `${kind} ${name}`));
  const wanted = [
    'input Order',
    'input Reserve',
    'output Reserve',
    'error Charge',
    'event paid',
    'message scans',
    'value card',
    'customStatus Order',
    'output Order',
  ];
  for (const each of wanted) assert.ok(kinds.has(each), `${each} is not in ${[...kinds].join()}`);
  assert.ok(asked.every(({ instanceId }) => ['order', 'parcel'].includes(instanceId)));
});

/** All that is sent of some instances. */
async function everything(visitor, ids) {
  const views = ['overview', 'instances', 'runtimes', 'schedules', 'activities', 'versions'];
  for (const id of ids) {
    views.push(`instance?id=${id}`, `history?id=${id}`, `tree?id=${id}`, `history.jsonl?id=${id}`);
  }
  const answers = await Promise.all(views.map((view) => visitor.ask(`/api/${view}`)));
  for (const { status, text } of answers) assert.equal(status, 200, text);
  return { texts: answers.map(({ text }) => text) };
}

test('where redact fails, nothing is shown', async (t) => {
  const faults = [];
  for (const redact of [
    () => {
      throw new Error('no rules');
    },
    async (value) => value,
  ]) {
    const { visitor } = await withOrder(t, { redact, onError: (error) => faults.push(error) });
    const { texts } = await everything(visitor, ['order']);
    for (const text of texts) assert.doesNotMatch(text, /4111/);
    assert.ok(texts.some((text) => text.includes('[hidden: redact failed]')));
  }
  assert.ok(faults.length > 0);
});

test('the fields of a result are no names that redact would not see', async (t) => {
  const h = await withRuntime(t, {
    activities: { Who: () => ({ name: 'secret', version: 'secret', amount: 4111, key: 'secret' }) },
    orchestrations: {
      *Asks(ctx) {
        return yield ctx.scheduleActivity('Who');
      },
    },
  });
  const { visitor } = await mounted(t, h.client, { redact: () => '[hidden]' });
  await h.run('Asks');
  for (const view of ['history?id=Asks-1', 'history.jsonl?id=Asks-1', 'instance?id=Asks-1']) {
    const { text } = await visitor.ask(`/api/${view}`);
    assert.doesNotMatch(text, /secret|4111/);
  }
});

test('what this release does not know of an instance is not sent', async (t) => {
  const { h, visitor } = await withOrder(t);
  const { client } = h;
  for (const method of ['describe', 'getInstanceInfo']) {
    const own = client[method].bind(client);
    client[method] = async (...args) => ({ ...(await own(...args)), later: 'secret' });
  }
  const list = client.listInstances.bind(client);
  client.listInstances = async (query) => {
    const { instances, next } = await list(query);
    return { instances: instances.map((told) => ({ ...told, later: 'secret' })), next };
  };
  const { texts } = await everything(visitor, ['order', 'parcel']);
  for (const text of texts) assert.doesNotMatch(text, /secret/);
});

test('a download is an attachment that no browser opens', async (t) => {
  const { visitor } = await withOrder(t);
  const { headers, text } = await visitor.ask('/api/history.jsonl?id=order');
  assert.equal(headers['content-disposition'], 'attachment; filename="history.jsonl"');
  assert.equal(headers['content-type'], 'application/octet-stream');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  const lines = text.trimEnd().split('\n');
  assert.equal(JSON.parse(lines[0]).kind, 'OrchestrationStarted');
  assert.equal(lines.length, (await visitor.get('history?id=order')).total);
});

test('long histories come in pages, long values in part', async (t) => {
  const large = 'x'.repeat(20_000);
  const h = await withRuntime(t, {
    orchestrations: {
      *Long(ctx, text) {
        ctx.setCustomStatus(text);
        for (let i = 0; i < 300; i++) yield ctx.utcNow();
        return text;
      },
    },
  });
  const { visitor } = await mounted(t, h.client);
  await h.run('Long', large);
  const last = await visitor.get('history?id=Long-1');
  assert.deepEqual([last.events.length, last.hasEarlier], [500, true]);
  const before = await visitor.get(`history?id=Long-1&before=${last.events[0].eventId}`);
  assert.equal(before.hasEarlier, false);
  assert.equal(before.events.length + last.events.length, last.total);
  assert.equal(before.events.at(-1).eventId + 1, last.events[0].eventId);
  const { input } = before.events[0].values;
  assert.deepEqual([input.text.length, input.length], [16_384, 20_002]);
  const instance = await visitor.get('instance?id=Long-1');
  assert.equal(instance.customStatus.text.length, 2048);
  const { text } = await visitor.ask('/api/history.jsonl?id=Long-1');
  assert.ok(text.includes(large));
});

test('executions of an instance are read one by one', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Counts(ctx, n) {
        if (n < 3) return yield ctx.continueAsNew(n + 1);
        return n;
      },
    },
  });
  const { visitor } = await mounted(t, h.client);
  await h.run('Counts', 1);
  const { executions, currentExecutionId } = await visitor.get('instance?id=Counts-1');
  assert.deepEqual([executions, currentExecutionId], [[1, 2, 3], 3]);
  const { events } = await visitor.get('history?id=Counts-1&execution=2');
  assert.equal(events[0].values.input.text, '2');
  assert.deepEqual((await visitor.get('history?id=Counts-1&execution=9')).events, []);
});

test('instances are found by what the address says, page by page', async (t) => {
  const h = await withStore(t);
  for (let i = 0; i < 60; i++) await h.client.startOrchestration(`a-${i}`, 'A', i);
  await h.client.startOrchestrationVersioned('b', 'B', null, '2.0.0');
  const { visitor } = await mounted(t, h.client);
  const first = await visitor.get('instances?name=A');
  assert.equal(first.instances.length, 50);
  const second = await visitor.get(`instances?name=A&after=${encodeURIComponent(first.next)}`);
  assert.deepEqual([second.instances.length, second.next], [10, null]);
  const ids = [...first.instances, ...second.instances].map(({ instanceId }) => instanceId);
  assert.equal(new Set(ids).size, 60);
  const only = async (query) =>
    (await visitor.get(`instances?${query}`)).instances.map(({ instanceId }) => instanceId);
  assert.deepEqual(await only('name=B&version=2.0.0&status=Running'), ['b']);
  assert.deepEqual(await only('idPrefix=a-59'), ['a-59']);
  assert.deepEqual(await only('status=Failed'), []);
  assert.deepEqual(await only(`createdBefore=${Date.now() - 86_400_000}`), []);
  assert.equal(first.counts.Running, 61);
});

test('every action does what it says', async (t) => {
  const { h, visitor } = await withOrder(t);
  const done = async (name, body) => {
    const answer = await visitor.act(name, body);
    assert.equal(answer.http, 200, JSON.stringify(answer));
    return answer;
  };
  const message = { id: 'parcel', name: 'scans', data: { at: 'Ulm' }, idempotencyKey: 'k' };
  assert.equal((await done('enqueue', message)).duplicate, false);
  await done('raise', { id: 'order', name: 'paid', data: [1] });
  assert.deepEqual((await h.wait('order')).output, [1]);
  assert.deepEqual((await h.wait('parcel')).output, { at: 'Ulm' });
  assert.equal((await done('delete', { id: 'order' })).instancesDeleted, 2);

  await h.client.startOrchestration('second', 'Parcel', {});
  await done('cancel', { id: 'second', reason: 'not wanted' });
  assert.match((await h.wait('second')).error, /not wanted/);
  await h.client.startOrchestration('third', 'Parcel', {});
  await done('terminate', { id: 'third', reason: 'now' });
  assert.equal((await h.wait('third')).failure.kind, 'terminated');
  await h.client.startOrchestration('fourth', 'Parcel', {});
  assert.equal((await done('delete', { id: 'fourth', force: true })).instancesDeleted, 1);
  assert.equal((await h.client.getStatus('fourth')).status, 'NotFound');
});

test('a repair says who has asked for it', async (t) => {
  let isFixed = false;
  const h = await withRuntime(t, {
    activities: {
      Charge() {
        if (!isFixed) throw new Error('declined');
        return 'paid';
      },
    },
    orchestrations: {
      *Pays(ctx) {
        return yield ctx.scheduleActivity('Charge');
      },
    },
  });
  const authenticate = () => ({ user: 'ada', role: 'operate' });
  const { visitor } = await mounted(t, h.client, { authenticate, readOnly: false });
  await h.run('Pays');
  isFixed = true;
  const { instances } = await visitor.act('retry', { id: 'Pays-1', reason: 'new card', by: 'eve' });
  assert.deepEqual(instances, ['Pays-1']);
  assert.equal((await h.wait('Pays-1')).output, 'paid');
  const { events } = await visitor.get('history?id=Pays-1');
  const { facts, values } = events.find(({ kind }) => kind === 'OrchestrationRetried');
  assert.deepEqual([facts.by, values.reason.text], ['ada', '"new card"']);
});

test('an instance goes back to an event, and who has asked for it is known', async (t) => {
  let price = 1;
  const h = await withRuntime(t, {
    activities: { Price: () => price },
    orchestrations: {
      *Prices(ctx) {
        return yield ctx.scheduleActivity('Price');
      },
    },
  });
  const authenticate = () => ({ user: 'ada', role: 'operate' });
  const { visitor } = await mounted(t, h.client, { authenticate, readOnly: false });
  assert.equal(await h.output('Prices'), 1);
  price = 2;
  const back = { id: 'Prices-1', execution: 1, event: 1, reason: 'wrong price' };
  const refused = await visitor.act('rewind', back);
  assert.deepEqual([refused.http, refused.error.code], [409, 'WOULD_UNDO']);
  assert.ok(refused.error.details.events.length > 0);
  assert.equal((await visitor.act('rewind', { ...back, event: 'first' })).http, 400);
  const { instances } = await visitor.act('rewind', { ...back, acceptUndo: true });
  assert.deepEqual(instances, ['Prices-1']);
  assert.equal((await h.wait('Prices-1')).output, 2);
  const { events } = await visitor.get('history?id=Prices-1');
  const { facts } = events.find(({ kind }) => kind === 'OrchestrationRewound');
  assert.deepEqual([facts.by, facts.toEventId], ['ada', 1]);
});

test('schedules: listed, described, paused, run, made up for, deleted', async (t) => {
  const h = await withRuntime(t, SHOP);
  await h.client.schedule('nightly', {
    cron: '0 2 * * *',
    orchestration: 'Parcel',
    input: { card: '4111' },
  });
  const redact = (value, { kind }) => (kind === 'input' ? '[hidden]' : value);
  const { visitor } = await mounted(t, h.client, { readOnly: false, redact });
  const active = ({ schedules: [first] }) => first.stage === 'active';
  const { schedules } = await shown(visitor, 'schedules', active);
  assert.deepEqual([schedules.length, schedules[0].scheduleId], [1, 'nightly']);
  assert.equal(schedules[0].definition.input.text, '"[hidden]"');
  const before = await visitor.get('schedule?id=nightly');
  assert.equal(before.nextTicks.length, 10);
  assert.deepEqual(before.definition.cron, ['0 2 * * *']);

  await visitor.act('pauseSchedule', { id: 'nightly', reason: 'holidays' });
  assert.equal((await visitor.get('schedule?id=nightly')).paused.note, 'holidays');
  await visitor.act('resumeSchedule', { id: 'nightly' });
  assert.equal((await visitor.get('schedule?id=nightly')).stage, 'active');
  const { instanceId } = await visitor.act('triggerSchedule', { id: 'nightly' });
  assert.equal((await visitor.get('schedule?id=nightly')).lastRuns.at(-1).instanceId, instanceId);
  const from = new Date(Date.now() - 3 * 86_400_000).toISOString();
  const to = new Date(Date.now() - 86_400_000).toISOString();
  assert.equal((await visitor.act('backfillSchedule', { id: 'nightly', from, to })).ticks, 2);
  assert.equal((await visitor.act('deleteSchedule', { id: 'nightly' })).http, 200);
  assert.equal((await visitor.get('schedule?id=nightly')).http, 404);
});

test('the overview: numbers, runtimes, and what nobody serves', async (t) => {
  const h = await withRuntime(t, SHOP);
  await h.client.startOrchestration('typo', 'Oder');
  const { visitor } = await mounted(t, h.client);
  const { health, counts, queues } = await shown(
    visitor,
    'overview',
    ({ health: { unserved, runtimes } }) => unserved.length > 0 && runtimes.length > 0,
  );
  assert.deepEqual([health.unserved[0].name, health.unserved[0].instanceId], ['Oder', 'typo']);
  assert.deepEqual(health.runtimes[0].activities.toSorted(), ['Charge', 'Reserve']);
  assert.equal(counts.Running, 1);
  assert.ok(queues.orchestratorQueue >= 1);
  const stream = await visitor.follow('overview');
  const { data } = await stream.until(({ data: { rates } }) => rates !== null);
  assert.equal(data.rates.failed, 0);
  await stream.close();
});

test('streams of the same view share what is asked of the store', async (t) => {
  const h = await withStore(t);
  await h.client.startOrchestration('one', 'Nobody');
  let looks = 0;
  h.client.use({
    call({ method }, next) {
      if (method === 'describe') looks += 1;
      return next();
    },
  });
  const { visitor } = await mounted(t, h.client);
  const streams = await Promise.all(
    Array.from({ length: 5 }, () => visitor.follow('instance?id=one')),
  );
  for (const stream of streams) await stream.next();
  assert.equal(looks, 1);
  await Promise.all(streams.map((stream) => stream.close()));
});

test('nothing is asked of the store while nobody looks', async (t) => {
  const h = await withStore(t);
  let looks = 0;
  h.client.use({
    call(_, next) {
      looks += 1;
      return next();
    },
  });
  const { visitor, dashboard } = await mounted(t, h.client);
  const stream = await visitor.follow('instances');
  await stream.next();
  dashboard.close();
  assert.equal(await stream.next(), null);
  const seen = looks;
  // As long as it takes others to look again.
  const other = await mounted(t, new Client(h.provider));
  const again = await other.visitor.follow('overview');
  await again.until(({ data: { rates } }) => rates?.seconds >= 2);
  await again.close();
  assert.equal(looks, seen);
});

test('a store that is read only shows what it can', async (t) => {
  const h = await withStore(t);
  await h.client.startOrchestration('one', 'Nobody');
  h.client.getHealth = async () => {
    throw Object.assign(new Error('the store was opened to be read only'), { code: 'READ_ONLY' });
  };
  const { visitor } = await mounted(t, h.client);
  const { health, reason, counts } = await visitor.get('overview');
  assert.deepEqual([health, counts.total], [null, 1]);
  assert.match(reason, /read only/);
});

test('a fault of the store is named, and told to the application', async (t) => {
  const h = await withStore(t);
  const faults = [];
  const { visitor } = await mounted(t, h.client, { onError: (error) => faults.push(error) });
  h.client.describe = async () => {
    throw new Error('at postgres://user:secret@host');
  };
  const { text, status } = await visitor.ask('/api/instance?id=one');
  assert.equal(status, 500);
  assert.doesNotMatch(text, /secret/);
  assert.match(faults[0].message, /secret/);
  const stream = await visitor.follow('instance?id=one');
  const { event, data } = await stream.next();
  assert.deepEqual([event, data.code], ['problem', 'INTERNAL']);
  await stream.close();
});
