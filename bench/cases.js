'use strict';

/**
 * `npm run bench -- --cases [--store sqlite|postgres] [--only NAME,NAME]`: what must not take longer than
 * a given time on a machine with nothing else to do. Each case gives its longest time; the command fails
 * where one is above its limit. What must be so at any speed is tested, not measured.
 */

const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { Client, Runtime } = require('duroxide');
const { makePlace, openPlace, removePlace } = require('./places.js');
const { due } = require('./schedules.js');
const { BUSY, WAIT_MS, now, registerEcho, sum } = require('./support.js');

/** @typedef {{ name: string, longestMs: number, limitMs: number }} Figure */

async function withRuntime(place, register, measure) {
  const store = await openPlace(place);
  const runtime = new Runtime(store, { logLevel: 'off', ...BUSY });
  register(runtime);
  await runtime.start();
  try {
    return await measure({ client: new Client(store), store });
  } finally {
    await runtime.shutdown(0);
    await store.close().catch(() => {}); // Some cases end it.
  }
}

/** @param {number[]} values */
const longest = (values) => Math.max(...values);

/** An id is deleted while its life runs, and started again. @param {any} place */
function reborn(place) {
  const register = (runtime) => {
    registerEcho(runtime);
    runtime.registerOrchestration('Parent', function* (ctx, input) {
      return yield ctx.scheduleSubOrchestration('One', input);
    });
  };
  return withRuntime(place, register, async ({ client }) => {
    const one = async (id) => {
      await client.startOrchestration(id, 'Parent', 'old');
      await client.deleteInstance(id, true);
      const began = now();
      await client.startOrchestration(id, 'Parent', 'new');
      await client.waitForOrchestration(id, WAIT_MS);
      return now() - began;
    };
    const rounds = [];
    for (let round = 0; round < 20; round += 1) {
      rounds.push(
        longest(await Promise.all(Array.from({ length: 10 }, (_, i) => one(`r${round}-${i}`)))),
      );
    }
    return { again: longest(rounds) };
  });
}

/** Another process, here another store object, deletes the instance of a running activity. */
function deletion(place) {
  let stopped = () => {};
  let begun = () => {};
  const register = (runtime) => {
    runtime.registerActivity('hold', (ctx) => {
      begun();
      return new Promise((resolve) => {
        ctx.signal.addEventListener('abort', () => {
          stopped();
          resolve(null);
        });
      });
    });
    runtime.registerOrchestration('Hold', function* (ctx) {
      return yield ctx.scheduleActivity('hold');
    });
  };
  return withRuntime(place, register, async () => {
    const other = await openPlace(place);
    const client = new Client(other);
    const times = [];
    for (let round = 0; round < 10; round += 1) {
      const running = new Promise((resolve) => {
        begun = () => resolve(null);
      });
      const told = new Promise((resolve) => {
        stopped = () => resolve(null);
      });
      await client.startOrchestration(`d${round}`, 'Hold');
      await running;
      await client.deleteInstance(`d${round}`, true);
      const began = now();
      await told;
      times.push(now() - began);
    }
    await other.close();
    return { told: longest(times) };
  });
}

/** The file of a store is deleted while it is open. */
function replaced(place) {
  return withRuntime(place, registerEcho, async ({ client }) => {
    await client.startOrchestration('before', 'One', 1);
    await client.waitForOrchestration('before', WAIT_MS);
    fs.rmSync(place.file);
    const began = now();
    for (let i = 0; ; i += 1) {
      try {
        await client.startOrchestration(`after${i}`, 'One', 1);
      } catch (error) {
        if (error.code === 'STORE_REPLACED') return { refused: now() - began };
        throw error;
      }
      await sleep(5);
    }
  });
}

/** Many instances with many queued messages wait for a runtime; a client starts more beside it. */
async function backlog(place) {
  const instances = 300;
  const messages = 400;
  const store = await openPlace(place);
  const client = new Client(store);
  for (let i = 0; i < instances; i += 1) {
    await client.startOrchestration(`b${i}`, 'Reads', messages);
    const all = Array.from({ length: messages }, (_, n) => client.enqueueEvent(`b${i}`, 'q', n));
    await Promise.all(all);
  }
  await store.close();
  const register = (runtime) => {
    registerEcho(runtime);
    runtime.registerOrchestration('Reads', function* (ctx, n) {
      let total = 0;
      for (let i = 0; i < n; i += 1) total += yield ctx.dequeueEvent('q');
      return total;
    });
  };
  const began = now();
  return withRuntime(place, register, async ({ client }) => {
    let over = false;
    const starts = [0];
    const beside = (async () => {
      for (let i = 0; !over; i += 1) {
        const asked = now();
        await client.startOrchestration(`beside${i}`, 'One', i);
        starts.push(now() - asked);
        await sleep(250);
      }
    })();
    const ends = Array.from({ length: instances }, (_, i) =>
      client.waitForOrchestration(`b${i}`, WAIT_MS),
    );
    const outputs = (await Promise.all(ends)).map(({ output }) => output);
    const done = now() - began;
    over = true;
    await beside;
    const right = (messages * (messages - 1)) / 2;
    if (sum(outputs) !== instances * right) throw new Error('messages were lost or doubled');
    return { done, start: longest(starts) };
  });
}

/** An instance of two steps beside one with a very wide fan-out. */
function beside(place) {
  const width = 100_000;
  const register = (runtime) => {
    registerEcho(runtime);
    runtime.registerOrchestration('Wide', function* (ctx) {
      const all = Array.from({ length: width }, () => ctx.scheduleActivity('echo', 1));
      return (yield ctx.all(all)).length;
    });
    runtime.registerOrchestration('Two', function* (ctx) {
      yield ctx.scheduleActivity('echo', 1);
      return yield ctx.scheduleActivity('echo', 2);
    });
  };
  return withRuntime(place, register, async ({ client }) => {
    await client.startOrchestration('wide', 'Wide');
    while ((await client.getQueueDepths()).workerQueue < width / 2) await sleep(20);
    const times = [];
    for (let i = 0; i < 5; i += 1) {
      const began = now();
      await client.startOrchestration(`two${i}`, 'Two');
      await client.waitForOrchestration(`two${i}`, WAIT_MS);
      times.push(now() - began);
    }
    await client.deleteInstance('wide', true);
    return { two: longest(times) };
  });
}

const both = (ms) => ({ sqlite: ms, postgres: ms });

/** Limits are in milliseconds, by store; a case runs on the stores for which it has some. */
const CASES = {
  reborn: { measure: reborn, limits: { again: both(250) } },
  deletion: { measure: deletion, limits: { told: both(250) } },
  replaced: { measure: replaced, limits: { refused: { sqlite: 1000 } } },
  backlog: {
    measure: backlog,
    limits: { done: { sqlite: 15_000, postgres: 30_000 }, start: both(200) },
  },
  beside: { measure: beside, limits: { two: both(250) } },
  due: {
    measure: due,
    limits: {
      started: { sqlite: 1000, postgres: 2000 },
      ended: both(3000),
      'idle CPU in 2 s': both(40),
    },
  },
};

/** @param {string} store @returns {string[]} the names of the cases that it has */
function casesOf(store) {
  return Object.keys(CASES).filter((name) =>
    Object.values(CASES[name].limits).some((limit) => limit[store] !== undefined),
  );
}

/** @param {string} name @param {string} store @returns {Promise<Figure[]>} */
async function run(name, store) {
  const place = makePlace(store, 'full');
  try {
    const times = await CASES[name].measure(place);
    return Object.entries(times).map(([what, longestMs]) => ({
      name: `${name}, ${what}`,
      longestMs,
      limitMs: CASES[name].limits[what][store],
    }));
  } finally {
    removePlace(place);
  }
}

/** Runs the cases and gives how many figures were above their limits. @param {any} settings */
async function runCases({ store, only }) {
  let above = 0;
  for (const name of only) {
    for (const { name: what, longestMs, limitMs } of await run(name, store)) {
      const isAbove = longestMs > limitMs;
      above += isAbove ? 1 : 0;
      const figures = `${longestMs.toFixed(0).padStart(7)} ms of at most ${limitMs} ms`;
      console.log(`${isAbove ? 'ABOVE' : 'ok   '} ${what.padEnd(20)} ${figures}`);
    }
  }
  return above;
}

module.exports = { casesOf, runCases };
