/**
 * OpenTelemetry for duroxide: spans of starts, orchestrations and activities in one trace, over processes and
 * restarts, and what a runtime measures as instruments. It needs `@opentelemetry/api` only; which SDK is behind it
 * is up to the application.
 */

import type { Attributes, MeterProvider, TracerProvider } from '@opentelemetry/api';
import type { Client, Runtime } from 'duroxide';

/**
 * Makes ids of spans, for the option `idGenerator` of the SDK's tracer provider, and for `instrument`. With it the
 * span of an orchestration, which is made when that has ended, is the parent of its activities, steps and
 * children, in whatever process they ran. Ids of other spans are random. All processes on a store should have it,
 * or none.
 */
export class SpanIds {
  generateTraceId(): string;
  generateSpanId(): string;
}

export interface InstrumentOptions {
  /** Before its start. */
  runtime?: Runtime;
  client?: Client;
  /**
   * What the tracer provider has as its `idGenerator`. Without it, spans of orchestrations stand beside those of
   * their activities, below that of the start.
   */
  spanIds?: SpanIds;
  /** Whether each run of orchestration code, from one `yield` to the next, is a span. False by default. */
  steps?: boolean;
  /** Added to every span and every measure: to tell several runtimes of one process apart. */
  attributes?: Attributes;
  /** The global ones by default. */
  tracerProvider?: TracerProvider;
  meterProvider?: MeterProvider;
}

/**
 * Puts spans around what a client starts and a runtime runs, and observes what the runtime measures whenever
 * metrics are collected. The SDK, with a propagator and a context manager, has to be there before.
 */
export function instrument(options: InstrumentOptions): {
  /** Ends the observation of the runtime. Interceptors stay. */
  stop(): void;
};
