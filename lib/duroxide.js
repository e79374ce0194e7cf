'use strict';

const { ActivityContext } = require('./activity-context.js');
const { Client } = require('./client.js');
const {
  defineActivity,
  defineEvent,
  defineOrchestration,
  defineQueue,
} = require('./definitions.js');
const {
  ActivityError,
  CancelledError,
  DuroxideError,
  NondeterminismError,
  OrchestrationError,
  NonRetryableError,
  ProviderError,
  RejectedError,
  RetryableError,
  TerminatedError,
  TimeoutError,
} = require('./errors.js');
const {
  MAX_KV_KEYS,
  MAX_KV_VALUE_BYTES,
  MAX_NAME_BYTES,
  MAX_TAG_NAME_BYTES,
  MAX_WORKER_TAGS,
} = require('./limits.js');
const { OrchestrationContext } = require('./orchestration/context.js');
const { PostgresProvider, SqliteProvider } = require('./provider.js');
const { Runtime } = require('./runtime.js');
const { initTracing } = require('./trace.js');

// A plain literal, so that named imports work from ES modules.
module.exports = {
  SqliteProvider,
  PostgresProvider,
  Client,
  Runtime,
  OrchestrationContext,
  ActivityContext,
  defineOrchestration,
  defineActivity,
  defineQueue,
  defineEvent,
  initTracing,
  MAX_NAME_BYTES,
  MAX_WORKER_TAGS,
  MAX_TAG_NAME_BYTES,
  MAX_KV_KEYS,
  MAX_KV_VALUE_BYTES,
  DuroxideError,
  ActivityError,
  OrchestrationError,
  CancelledError,
  TimeoutError,
  NondeterminismError,
  NonRetryableError,
  ProviderError,
  RejectedError,
  RetryableError,
  TerminatedError,
};
