'use strict';

/**
 * A hosting service in miniature: orchestrations that make, watch and delete database instances.
 * The world outside is a plain object, in which activities leave what they did.
 */

const CYCLE_MS = 100;

/** Makes the world that activities act on. */
function makeWorld() {
  return { log: [], health: 0, polls: 0, pruned: 0, stop: false, deployed: new Set() };
}

/** @param {ReturnType<typeof makeWorld>} world */
function activitiesOn(world) {
  const did = (what, result = null) => {
    world.log.push(what);
    return result;
  };
  return {
    Reserve: (_ctx, name) => did(`reserve ${name}`, { k8s: `ns-${name}` }),
    MakeSpace: (_ctx, { k8s }) => did(`space ${k8s}`),
    MakeSecret: (_ctx, { k8s }) => did(`secret ${k8s}`),
    MakeVolume: (_ctx, { k8s }) => did(`volume ${k8s}`),
    Deploy(_ctx, { k8s }) {
      world.deployed.add(k8s);
      return did(`deploy ${k8s}`);
    },
    // Ready at the third look.
    IsReady: () => ++world.polls % 3 === 0,
    Address: (_ctx, { k8s }) => did(`address ${k8s}`, `postgres://${k8s}.example`),
    Probe: (_ctx, address) => did(`probe ${address}`, 'PostgreSQL 17'),
    Remember: (_ctx, row) => did(`remember ${row.state}`),
    RecordActor: (_ctx, id) => did(`actor ${id}`),
    Notify() {
      throw new Error('mail is down');
    },
    ReadState: () => ({ stop: world.stop }),
    CheckHealth: () => ++world.health,
    RecordHealth: (_ctx, n) => did(`health ${n}`),
    Undeploy(_ctx, k8s) {
      if (!world.deployed.delete(k8s)) throw new Error(`${k8s} is not deployed`);
      return did(`undeploy ${k8s}`);
    },
    RemoveVolume: (_ctx, k8s) => did(`remove volume ${k8s}`),
    Forget: (_ctx, name) => did(`forget ${name}`),
    StartJob: (_ctx, path) => did(`job ${path}`, 'job-1'),
    JobState: () => (++world.polls >= 3 ? 'ready' : 'building'),
    PruneOld: () => ++world.pruned,
  };
}

const orchestrations = {
  *CreateInstance(ctx, { name, actor }) {
    const space = yield ctx.scheduleActivity('Reserve', name);
    try {
      for (const step of ['MakeSpace', 'MakeSecret', 'MakeVolume', 'Deploy']) {
        yield ctx.scheduleActivity(step, space);
      }
      while (!(yield ctx.scheduleActivity('IsReady'))) yield ctx.scheduleTimer(CYCLE_MS);
      const address = yield ctx.scheduleActivity('Address', space);
      const version = yield ctx.scheduleActivity('Probe', address);
      yield ctx.scheduleActivity('Remember', { state: 'running' });
      yield ctx.startOrchestration('InstanceActor', actor, { name, cycle: 1 });
      yield ctx.scheduleActivity('RecordActor', actor);
      return { name, address, version };
    } catch (error) {
      yield ctx.scheduleActivity('Remember', { state: 'failed' });
      throw error;
    }
  },

  *InstanceActor(ctx, { name, cycle }) {
    const { stop } = yield ctx.scheduleActivity('ReadState');
    if (stop) return { name, cycles: cycle - 1 };
    const health = yield ctx.scheduleActivity('CheckHealth');
    yield ctx.scheduleActivity('RecordHealth', health);
    const winner = yield ctx.race(ctx.scheduleTimer(CYCLE_MS), ctx.waitForEvent('deleted'));
    if (winner.index === 1) return { name, cycles: cycle };
    return yield ctx.continueAsNew({ name, cycle: cycle + 1 });
  },

  *DeleteInstance(ctx, { name, k8s, hasVolume }) {
    const failures = [];
    try {
      yield ctx.scheduleActivity('Undeploy', k8s);
    } catch (error) {
      failures.push(error.message);
    }
    if (hasVolume) yield ctx.scheduleActivity('RemoveVolume', k8s);
    try {
      yield ctx.scheduleActivity('Notify', name);
    } catch (error) {
      failures.push(error.message);
    }
    yield ctx.scheduleActivity('Forget', name);
    return { deleted: name, failures };
  },

  *CreateImage(ctx, name) {
    const now = yield ctx.utcNow();
    const path = `images/${name}-${new Date(now).toISOString().slice(0, 10)}`;
    yield ctx.scheduleActivity('StartJob', path);
    for (;;) {
      const state = yield ctx.scheduleActivity('JobState');
      if (state === 'ready') return { state, path };
      yield ctx.scheduleTimer(CYCLE_MS / 5);
    }
  },

  *SystemPruner(ctx, cycle) {
    yield ctx.scheduleActivity('PruneOld');
    yield ctx.scheduleTimer(CYCLE_MS);
    return yield ctx.continueAsNew(cycle + 1);
  },
};

module.exports = { activitiesOn, makeWorld, orchestrations };
