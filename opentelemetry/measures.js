'use strict';

/** What a runtime measures, as observable instruments. One collection asks the runtime once. */

/**
 * @typedef {import('@opentelemetry/api').Meter} Meter
 * @typedef {import('@opentelemetry/api').Attributes} Attributes
 */

/** The names of what `runtime.measure()` tells, which can be known only when it is asked. */
const COUNTERS = {
  'duroxide.executions.started': '',
  'duroxide.executions.ended': '',
  'duroxide.children.started': '',
  'duroxide.activity.retries': '',
  'duroxide.activity.poisoned': '',
  'duroxide.messages.taken': '',
  'duroxide.tasks.taken': '',
  'duroxide.turns.committed': '',
  'duroxide.replays': '',
  'duroxide.replay.time': 's',
  'duroxide.holds': '',
  'duroxide.store.errors': '',
  'duroxide.store.commits': '',
  'duroxide.store.writes': '',
};
const GAUGES = {
  'duroxide.slots': '',
  'duroxide.slots.used': '',
  'duroxide.instances.resident': '',
  'duroxide.thread.blocked': 's',
  'duroxide.oldest.ready': 's',
  'duroxide.runtimes': '',
  'duroxide.store.size': 'By',
  'duroxide.instances.running': '',
  'duroxide.instances.held': '',
};

/** What the histogram of the time in queues becomes: there is no observable one. */
const QUEUE = 'duroxide.activity.queue';

/** @param {Meter} meter */
function instrumentsOf(meter) {
  /** @type {Map<string, import('@opentelemetry/api').Observable>} */
  const all = new Map();
  for (const [name, unit] of Object.entries(COUNTERS)) {
    all.set(name, meter.createObservableCounter(name, { unit }));
  }
  for (const [name, unit] of Object.entries(GAUGES)) {
    all.set(name, meter.createObservableGauge(name, { unit }));
  }
  const description = 'How long activities were ready before an attempt began, in all.';
  all.set(
    `${QUEUE}.time`,
    meter.createObservableCounter(`${QUEUE}.time`, { unit: 's', description }),
  );
  all.set(`${QUEUE}.count`, meter.createObservableCounter(`${QUEUE}.count`));
  return all;
}

/**
 * Observes a runtime, and gives what ends that.
 *
 * @param {Meter} meter
 * @param {import('duroxide').Runtime} runtime
 * @param {Attributes} attributes
 */
function observe(meter, runtime, attributes) {
  const instruments = instrumentsOf(meter);
  const observables = [...instruments.values()];
  /** @param {import('@opentelemetry/api').BatchObservableResult} result */
  const callback = async (result) => {
    for (const { name, points } of await measured(runtime)) {
      for (const { labels, value, count } of points) {
        const all = { ...attributes, ...labels };
        const put = (/** @type {string} */ each, /** @type {number} */ number) => {
          const instrument = instruments.get(each);
          if (instrument) result.observe(instrument, number, all);
        };
        if (name === QUEUE) {
          put(`${QUEUE}.time`, value);
          put(`${QUEUE}.count`, count ?? 0);
        } else {
          put(name, value);
        }
      }
    }
  };
  meter.addBatchObservableCallback(callback, observables);
  return () => meter.removeBatchObservableCallback(callback, observables);
}

/**
 * Gives the measures of a runtime: none while it does not run.
 *
 * @param {import('duroxide').Runtime} runtime
 */
async function measured(runtime) {
  try {
    return await runtime.measure();
  } catch (error) {
    if (/** @type {any} */ (error).code === 'SHUTDOWN') return [];
    throw error;
  }
}

/** The upper bounds of the buckets that `runtime.measure()` has, in seconds. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * Gives what takes how long attempts ran. It is a histogram that is written to while the span of the attempt is
 * the current one, so that values can have examples.
 *
 * @param {Meter} meter
 * @param {Attributes} attributes
 */
function runTimes(meter, attributes) {
  const histogram = meter.createHistogram('duroxide.activity.run', {
    unit: 's',
    description: 'How long attempts at activities ran.',
    advice: { explicitBucketBoundaries: BOUNDS },
  });
  /** @param {number} seconds @param {Attributes} labels */
  return (seconds, labels) => histogram.record(seconds, { ...attributes, ...labels });
}

module.exports = { observe, runTimes };
