'use strict';

const { metrics, trace } = require('@opentelemetry/api');
const { observe, runTimes } = require('./measures.js');
const { SpanIds } = require('./span-ids.js');
const { aroundActivities, aroundCalls, aroundSteps, onEnd } = require('./spans.js');

const SCOPE = '@duroxide/opentelemetry';

/** What an option has to be, and how that is told. @type {Record<string, [(value: any) => boolean, string]>} */
const OPTIONS = {
  runtime: [({ use, measure }) => Boolean(use && measure), 'a Runtime of duroxide'],
  client: [
    ({ use, startOrchestration }) => Boolean(use && startOrchestration),
    'a Client of duroxide',
  ],
  spanIds: [(value) => value instanceof SpanIds, 'a SpanIds'],
  steps: [(value) => typeof value === 'boolean', 'true or false'],
  attributes: [(value) => typeof value === 'object', 'an object of attributes'],
  tracerProvider: [({ getTracer }) => typeof getTracer === 'function', 'a TracerProvider'],
  meterProvider: [({ getMeter }) => typeof getMeter === 'function', 'a MeterProvider'],
};

/** @param {any} options */
function checked(options) {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options must be an object with a runtime, a client, or both');
  }
  for (const [name, value] of Object.entries(options)) {
    if (OPTIONS[name] === undefined) {
      const known = Object.keys(OPTIONS).join(', ');
      throw new TypeError(`options.${name} is not known: there are ${known}`);
    }
    const [isRight, expected] = OPTIONS[name];
    if (value !== undefined && (value === null || !isRight(value))) {
      throw new TypeError(`options.${name} must be ${expected}`);
    }
  }
  if (options.runtime === undefined && options.client === undefined) {
    throw new TypeError('options must have a runtime, a client, or both');
  }
  return options;
}

/**
 * Its documentation is in index.d.ts.
 *
 * @param {import('./index.js').InstrumentOptions} options
 */
function instrument(options) {
  const { runtime, client, spanIds = null, steps = false, attributes = {} } = checked(options);
  const { tracerProvider = trace, meterProvider = metrics } = options;
  const tracer = tracerProvider.getTracer(SCOPE);
  const settings = { tracer, spanIds, steps, attributes };
  client?.use({ call: aroundCalls(settings) });
  if (runtime === undefined) return { stop() {} };
  const meter = meterProvider.getMeter(SCOPE);
  runtime.use({
    activity: aroundActivities(settings, runTimes(meter, attributes)),
    step: aroundSteps(settings),
    ended: onEnd(settings),
  });
  return { stop: observe(meter, runtime, attributes) };
}

module.exports = { instrument };
