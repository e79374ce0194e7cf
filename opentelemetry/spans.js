'use strict';

const { SpanKind, SpanStatusCode, context, propagation, trace } = require('@opentelemetry/api');
const { addTo, callerOf, contexts, inExecution } = require('./contexts.js');

/**
 * Spans of what a client starts and a runtime runs.
 *
 * I1  A replay makes no span, and runs in no context.
 * I2  The span of an execution is made once its end is committed, with the times of its history.
 */

/**
 * @typedef {import('@opentelemetry/api').Span} Span
 * @typedef {import('@opentelemetry/api').Tracer} Tracer
 * @typedef {import('@opentelemetry/api').Attributes} Attributes
 * @typedef {InstanceType<typeof import('./span-ids.js')['SpanIds']> | null} Ids
 * @typedef {{ tracer: Tracer, spanIds: Ids, attributes: Attributes, steps: boolean }} Settings
 */

/** @param {Span} span @param {any} error */
function failed(span, error) {
  const { message, type } =
    error instanceof Error
      ? { message: error.message, type: 'code' in error ? String(error.code) : error.name }
      : { message: String(error), type: typeof error };
  span.recordException(error instanceof Error ? error : message);
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** @param {import('duroxide').StepCall | import('duroxide').EndedExecution | import('duroxide').ActivityContext} of */
function attributesOf({ instanceId, executionId, orchestrationName, orchestrationVersion }) {
  return {
    'duroxide.instance.id': instanceId,
    'duroxide.execution.id': executionId,
    'duroxide.orchestration.name': orchestrationName,
    'duroxide.orchestration.version': orchestrationVersion,
  };
}

/**
 * Gives what is around the calls of a client: a start is a span, whose context travels with the instance.
 *
 * @param {Settings} settings
 */
function aroundCalls({ tracer, attributes }) {
  /** @param {import('duroxide').ClientOperation} operation @param {() => Promise<void>} next */
  return async ({ headers, name, instanceId }, next) => {
    if (headers === undefined) return next();
    const caller = propagation.extract(context.active(), headers);
    const options = {
      kind: SpanKind.PRODUCER,
      attributes: { ...attributes, 'duroxide.instance.id': instanceId },
    };
    const span = tracer.startSpan(`start ${name}`, options, caller);
    const own = trace.setSpan(caller, span);
    addTo(own, headers);
    try {
      await context.with(own, next);
    } catch (error) {
      failed(span, error);
      throw error;
    } finally {
      span.end();
    }
  };
}

/**
 * Gives what is around attempts at activities. `ran` is told how long each has run.
 *
 * @param {Settings} settings
 * @param {(seconds: number, labels: { activity: string, outcome: string }) => void} ran
 */
function aroundActivities({ tracer, spanIds, attributes }, ran) {
  const contextOf = contexts(spanIds !== null);
  /** @param {import('duroxide').ActivityCall} call @param {() => Promise<any>} next */
  return ({ context: activity }, next) => {
    const parent = contextOf(activity);
    const name = activity.activityName;
    const options = {
      kind: SpanKind.CONSUMER,
      attributes: {
        ...attributes,
        ...attributesOf(activity),
        'duroxide.activity.name': name,
        'duroxide.activity.attempt': activity.attempt,
      },
    };
    const span = tracer.startSpan(`activity ${name}`, options, parent);
    const own = trace.setSpan(parent, span);
    const over = once(span, (seconds, outcome) => {
      context.with(own, ran, undefined, seconds, { activity: name, outcome });
    });
    if (span.isRecording()) whenLate(activity, (error) => over('failed', error));
    return context.with(own, async () => {
      try {
        await next();
        over(activity.isCancelled() ? 'cancelled' : 'ok');
      } catch (error) {
        if (activity.isCancelled()) over('cancelled');
        over('failed', error);
        throw error;
      }
    });
  };
}

/**
 * Gives what ends the span of an attempt, the first time that it is called.
 *
 * @param {Span} span
 * @param {(seconds: number, outcome: string) => void} ran
 */
function once(span, ran) {
  const began = performance.now();
  let isOver = false;
  return (/** @type {string} */ outcome, /** @type {unknown[]} */ ...errors) => {
    if (isOver) return;
    isOver = true;
    for (const error of errors) failed(span, error);
    span.setAttribute('duroxide.outcome', outcome);
    ran((performance.now() - began) / 1000, outcome);
    span.end();
  };
}

/**
 * Says when the time of an attempt is over: its function may never come to its end.
 *
 * @param {import('duroxide').ActivityContext} activity
 * @param {(error: Error) => void} then
 */
function whenLate({ signal }, then) {
  const onAbort = () => {
    if (signal.reason?.code === 'TIMEOUT') then(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
}

/**
 * Gives what is around steps of orchestration code: they run in the context of their execution, and are spans
 * where that is wanted.
 *
 * @param {Settings} settings
 */
function aroundSteps({ tracer, spanIds, attributes, steps }) {
  const contextOf = contexts(spanIds !== null);
  /** @param {import('duroxide').StepCall} call @param {() => void} next */
  return (call, next) => {
    if (call.isReplaying) return next();
    const parent = contextOf(call);
    if (!steps) return context.with(parent, next);
    const options = { attributes: { ...attributes, ...attributesOf(call) } };
    const span = tracer.startSpan(`step ${call.orchestrationName}`, options, parent);
    try {
      return context.with(trace.setSpan(parent, span), next);
    } catch (error) {
      failed(span, error);
      throw error;
    } finally {
      span.end();
    }
  };
}

/**
 * Gives the contexts that the span of an execution has to do with; null where there is none, or it cannot be known.
 *
 * @param {Ids} spanIds
 * @param {import('duroxide').EndedExecution} execution
 */
function around(spanIds, execution) {
  const { instanceId, executionId, parentInstanceId, parentExecutionId = 1 } = execution;
  const caller = callerOf(execution);
  const at = (/** @type {string} */ id, /** @type {number} */ number) =>
    spanIds && inExecution(caller, id, number);
  return {
    own: at(instanceId, executionId),
    before: executionId > 1 ? at(instanceId, executionId - 1) : null,
    parent: (parentInstanceId && at(parentInstanceId, parentExecutionId)) || caller,
  };
}

/** @typedef {import('@opentelemetry/api').Context | null} Known */

/** @param {Known} known */
function idOf(known) {
  return (known && trace.getSpanContext(known)?.spanId) ?? null;
}

/** @param {Known} known */
function linksTo(known) {
  const span = known && trace.getSpanContext(known);
  return span ? [{ context: span }] : [];
}

/**
 * Gives what makes the span of an execution that has ended.
 *
 * @param {Settings} settings
 */
function onEnd({ tracer, spanIds, attributes }) {
  /** @param {import('duroxide').EndedExecution} execution */
  return (execution) => {
    const { status, startedAt, endedAt, repairedAt } = execution;
    const { own, before, parent } = around(spanIds, execution);
    // What was taken up again has ended, and was told, before: this is another span beside that one.
    const isFirst = repairedAt === undefined;
    const options = {
      kind: SpanKind.CONSUMER,
      startTime: isFirst ? startedAt : repairedAt,
      attributes: { ...attributes, ...attributesOf(execution), 'duroxide.status': status },
      links: linksTo(isFirst ? before : own),
    };
    const make = () =>
      tracer.startSpan(`orchestration ${execution.orchestrationName}`, options, parent);
    const span = spanIds && isFirst ? spanIds._with(idOf(own), make) : make();
    if (status === 'Failed') {
      span.setAttribute('error.type', execution.kind ?? 'failed');
      span.setStatus({ code: SpanStatusCode.ERROR, message: execution.error });
    }
    span.end(endedAt);
  };
}

module.exports = { aroundActivities, aroundCalls, aroundSteps, onEnd };
