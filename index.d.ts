/**
 * Durable workflows for Node.js: an orchestration is a generator function that yields what it waits
 * for, and it survives crashes, restarts and deployments. Activities do the work.
 */

/**
 * The longest id, name or key that is given, in UTF-8 bytes: 2000. It is for ids of instances that are
 * started, names of orchestrations, activities, events, queues and sessions, and keys of values; a
 * version has at most 256 bytes. What is longer is refused at the call, with the code LIMIT_EXCEEDED.
 * Generated ids of children may have up to 2600 bytes. Scheduling a child whose id would be longer,
 * because its parents are nested too deep, fails as if the child had.
 */
export const MAX_NAME_BYTES: number;
/** The most tags that one worker filter may list: 5. */
export const MAX_WORKER_TAGS: number;
/** The longest tag in UTF-8 bytes: 256. */
export const MAX_TAG_NAME_BYTES: number;
/** The most keys of an instance's key-value store: 150. */
export const MAX_KV_KEYS: number;
/** The longest stored value in UTF-8 bytes: 65536. */
export const MAX_KV_VALUE_BYTES: number;

/**
 * A description of work. It does nothing until it is yielded, directly or inside a combinator.
 * `yield` gives `any`; `yield*` gives the typed result.
 */
export interface ScheduledTask<T = any> {
  readonly type: string;
  [Symbol.iterator](): Generator<ScheduledTask<any>, T, any>;
}

/** A task that can be routed to workers by a tag. */
export interface ActivityTask<T = any> extends ScheduledTask<T> {
  /** Routes the activity to workers that take the tag, and gives the same task back. */
  withTag(tag: string): this;
  readonly tag?: string;
}

/** A promise of an orchestration: a task that somebody outside settles, by its token. */
export interface DurablePromise<T = any> extends ScheduledTask<T> {
  /**
   * JSON text that names the promise, for `Client.resolve` and `Client.reject`. It may go anywhere: into
   * inputs, statuses, mails, URLs. Whoever has it, and a client of the store, can settle the promise.
   */
  readonly token: string;
}

/** Several steps that run as one branch of a combinator. */
export type Branch<T = any> = Generator<any, T, any>;

/** What a task or branch results in. */
export type ResultOf<T> =
  T extends ScheduledTask<infer R> ? R : T extends Generator<any, infer R, any> ? R : never;

/**
 * An element of what `all` gives: `ok`, or the text of the failure as `err` and the error itself, which
 * a plain `yield` would have thrown, as `reason`. It is not enumerable: as JSON, only the text is there.
 */
export type JoinResult<T = any, TFailed = string> =
  | { ok: T; err?: undefined; reason?: undefined }
  | { ok?: undefined; err: TFailed; reason: DuroxideError };

/** A task that has won, at its place. */
interface Won<TIndex, T> {
  index: TIndex;
  value: T;
  error?: undefined;
  reason?: undefined;
}

/** The winner of several: of a tuple of their results, by its place. */
type Winner<T> = [T] extends [readonly unknown[]]
  ? { [K in keyof T]: Won<K extends `${infer N extends number}` ? N : number, T[K]> }[number]
  : Won<number, T>;

/**
 * What `race` gives. `error` is there, and true, if the winner failed: then its message is `value`, and
 * the error itself, which a plain `yield` would have thrown, is `reason` (not enumerable). Where it has
 * not failed, `index` says whose `value` it is: `RaceResult<[A, B]>`.
 */
export type RaceResult<T = any, TFailed = string> =
  | Winner<T>
  | { index: number; value: TFailed; error: true; reason: DuroxideError };

/**
 * What undoes the steps that an orchestration has begun. Lists of several sagas have nothing to do with
 * each other.
 */
export interface Saga {
  /**
   * Adds a compensation, which gives a task, a generator, or nothing where there is nothing to wait for.
   * Add it before the step: one that timed out may have happened.
   */
  add(compensation: () => ScheduledTask | Branch | undefined): void;
  /** How many compensations there are. */
  readonly size: number;
  /**
   * Runs all compensations, one after another, the last one added first, and takes them off the list.
   * All of them run, whatever becomes of the others; then it throws an AggregateError with the errors of
   * those that failed. Use it as `yield* saga.compensate()`.
   */
  compensate(): Branch<void>;
}

/** What `any` gives: the first success. */
export type AnyResult<T = any> = Winner<T>;

/** What the tasks or branches of a list result in. */
type ResultsOf<T extends readonly unknown[]> = { -readonly [K in keyof T]: ResultOf<T[K]> };

/**
 * What kind of failure it is: `application` is what code threw, `poison` what did not end although it
 * was tried often enough, `infrastructure` trouble of the store, `limit` a published limit.
 */
export type FailureKind =
  | 'application'
  | 'cancelled'
  | 'terminated'
  | 'timeout'
  | 'nondeterminism'
  | 'poison'
  | 'infrastructure'
  | 'limit';

/** Something that was thrown. */
export interface FailureCause {
  name: string;
  message: string;
  code?: string | number;
  /** Its own data, as far as that has a JSON form and is not too large. */
  details?: any;
  /** Those of an AggregateError. */
  errors?: FailureCause[];
  cause?: FailureCause;
}

/** A failure as data. Stacks are not in it: they are in the log, and in the `cause` of errors. */
export interface Failure extends FailureCause {
  kind: FailureKind;
  /** The activity that failed, if one did. */
  activity?: string;
  /** How often it was tried, where that is known. */
  attempts?: number;
}

/** Milliseconds, seconds, minutes, hours, days of 24 hours, weeks. */
export type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w';

/**
 * How long: a number of milliseconds, or whole numbers with their units: `'90s'`, `'15m'`, `'30d'`,
 * `'1h 30m'`. Options whose name ends in `Ms` take numbers only.
 */
export type Duration =
  | number
  | `${bigint}${DurationUnit}`
  | `${bigint}${DurationUnit}${'' | ' '}${bigint}${DurationUnit}`;

/**
 * A moment: a Date, milliseconds since 1970, or a text: a day (its beginning in UTC), or a time with its
 * offset, `'2030-01-31T02:00:00Z'` or `'2030-01-31T02:00:00+01:00'`.
 */
export type Moment = Date | number | string;

/** Which tick of which schedule an instance is for. */
export interface ScheduledRun {
  /** The id of the schedule. */
  readonly id: string;
  /** The moment of the tick, in milliseconds since 1970, without jitter: not the one at which it began. */
  readonly tick: number;
  /** Whether somebody asked for it by hand; then `tick` is when that was. */
  readonly manual: boolean;
}

/** Days that are left out: one, the same one each year (`'*-12-25'`), or all from one to another. */
export type ExceptedDay = string | { from: string; to: string };

/** What a schedule starts, and when. One of `cron`, `every` and `at` is given. */
export interface ScheduleOptions<TInput = any> {
  /**
   * Cron expressions of five fields (minute, hour, day of month, month, day of week), of six with the second
   * first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. Lists, ranges, steps and names as usual;
   * `L` is the last day of the month, `15W` the working day nearest to the 15th, `FRI#2` the second Friday,
   * `FRI#L` the last one. Where both days are restricted, either will do; `+` before the day of week asks
   * for both. Several expressions tick at what any of them says, once.
   */
  cron?: string | readonly string[];
  /** From tick to tick, at least a second, counted from 1970 in UTC; with an `offset`, from that later. */
  every?: Duration | { interval: Duration; offset?: Duration };
  /** Single moments. */
  at?: Moment | readonly Moment[];
  /** An IANA name, for `cron` and `except`; `'UTC'` by default, wherever the processes run. */
  timeZone?: string;
  /**
   * A time of day that the wall clock skips in spring: `'runLater'` at the moment of the change, once, or
   * `'leaveOut'`. By default it runs, unless the expression has every hour, which goes by the time that passes.
   */
  skippedTime?: 'runLater' | 'leaveOut';
  /**
   * A time of day that comes twice in autumn: `'runOnce'`, at first, or `'runTwice'`. By default once, unless
   * the expression has every hour.
   */
  repeatedTime?: 'runOnce' | 'runTwice';
  /** Days of the time zone without ticks. */
  except?: ExceptedDay | readonly ExceptedDay[];
  orchestration: string | RegisteredOrchestration<TInput>;
  /** Without it each run begins in the latest version there is then. */
  version?: string;
  /** That of each run. The whole schedule has at most 49152 bytes as JSON. */
  input?: NoInfer<TInput>;
  /**
   * What becomes of a tick while an earlier run of the schedule has not ended: `'skip'`, the default, starts
   * nothing and records that; `'bufferOne'` lets one wait for the end of the other, and skips further ones;
   * `'bufferAll'` lets up to 1000 wait; `'cancelOther'` and `'terminateOther'` end the other, and start when it
   * has ended, its grace included; `'allow'` starts it beside the other. One that waits for its code has not
   * ended. Runs by hand and of backfills count as well.
   */
  overlap?: 'skip' | 'bufferOne' | 'bufferAll' | 'cancelOther' | 'terminateOther' | 'allow';
  /**
   * How late a tick may be that is started all the same, after no runtime was there: `'1m'` by default.
   * `'none'` allows the ten seconds that a busy machine may take, `'all'` makes up for at most 1000 ticks, the
   * oldest first. What is later is recorded as missed.
   */
  catchUp?: Duration | 'none' | 'all';
  /** Each tick is delayed by up to so much, by chance but always the same, and never beyond the next tick. */
  jitterMs?: number;
  /** No ticks before it. */
  startAt?: Moment;
  /** No ticks from it on. */
  endAt?: Moment;
  /** Whether it begins paused. It is of no account when the schedule is there already. */
  paused?: boolean;
  /** A lower one than that of the stored schedule changes nothing; without it the last call counts. */
  revision?: number;
  /** For people. */
  note?: string;
}

/** A decision about a tick, or about several that were missed together. Times are milliseconds since 1970. */
export interface ScheduleDecision {
  /** That the tick has, or would have had: `<schedule>:2026-11-28T02:00:00Z`. */
  instanceId: string;
  tick: number;
  /** `idTaken`: somebody else had an instance with the id. */
  decision: 'started' | 'waiting' | 'skipped' | 'missed' | 'idTaken';
  /** When; of what has waited, when it was started. */
  decidedAt: number;
  /** How long that was after it was due, jitter included. */
  lateMs: number;
  /** Why nothing was started; or `'backfill'`. */
  reason?: string;
  /** How many were missed together, from this one on. */
  count?: number;
}

/** A decision and what has become of it. */
export interface ScheduleRun extends ScheduleDecision {
  /** Of what was started; `NotFound` where it was deleted. */
  status?: TargetState;
  endedAt?: number;
  /** Only when failed. */
  error?: string;
}

/** A schedule, as it is listed. Times are milliseconds since 1970. */
export interface ScheduleSummary {
  scheduleId: string;
  /**
   * `new` until a runtime takes it up, which is when it begins; `ended` where there is no tick any more;
   * `failed` where its own instance has ended: to schedule it again begins anew.
   */
  stage: 'new' | 'active' | 'paused' | 'ended' | 'failed';
  createdAt: number;
  /** Absent while it is new. */
  definition?: Omit<ScheduleOptions, 'paused'>;
  paused?: { since: number; note: string };
  /** The next tick, and when it is due, which is later where there is jitter. */
  next?: { tick: number; due: number };
  last?: ScheduleDecision;
  /** Which service has declared it by Runtime.schedule, and whether its last start still did. */
  declared?: { by: string; isCurrent: boolean };
  /** The first ten of the runs that wait for another one to end. */
  waiting?: string[];
  /** Backfills that are under way, and what is left of each. */
  backfills?: { from: number; to: number; overlap: 'bufferAll' | 'allow' }[];
  /** How many ticks were decided how. Absent while it is new. */
  counts?: Record<ScheduleDecision['decision'], number>;
  /** Only when failed. */
  error?: string;
}

/** All about a schedule. */
export interface ScheduleDescription extends ScheduleSummary {
  /** What happens next, or why nothing does, for people. */
  waitsFor: string;
  /** The next ten ticks. */
  nextTicks: number[];
  /** The last ten decisions, oldest first. */
  lastRuns: ScheduleRun[];
  /** The instances that it has started and that have not ended. With `overlap: 'allow'`, of the last hundred. */
  running: string[];
}

/** Which schedules to list: in the order in which they were made, newest first. */
export interface ScheduleListOptions {
  /** The most to give; all by default. */
  limit?: number;
  /** The id of the last schedule of the previous page. */
  before?: string;
  idPrefix?: string;
}

/** Pauses between attempts: a duration is the pause. */
export type Backoff =
  | 'exponential'
  | 'linear'
  | 'fixed'
  | 'none'
  | Duration
  | {
      type: 'exponential' | 'linear' | 'fixed' | 'none';
      /** For `fixed`: the pause, 1000 by default. */
      delayMs?: number;
      /** For `linear` and `exponential`: the first pause, 100 by default. */
      baseMs?: number;
      /** For `exponential`: 2 by default. */
      multiplier?: number;
      /** For `linear` and `exponential`: the longest pause, 30000 by default. */
      maxMs?: number;
    };

/** The times that an activity may take. A limit that is not kept is a TimeoutError. */
export interface ActivityLimits {
  /**
   * Until it begins. It is never retried. Without it, `timeoutMs` counts from the start too, but only as long
   * as no runtime that lives takes the activity.
   */
  queueTimeoutMs?: Duration;
  /** Each attempt, from its beginning. Then its `signal` is aborted. */
  timeoutMs?: Duration;
  /** How long an attempt may go without `ctx.heartbeat`; then as with `timeoutMs`. */
  heartbeatMs?: Duration;
  /** Everything: waiting, all attempts and pauses. */
  totalTimeoutMs?: Duration;
}

/** How an inline activity is run; by default once, as long as it takes. */
export interface InlineActivityOptions extends Omit<ActivityLimits, 'queueTimeoutMs'> {
  /** Runs it again when it fails. `retryTimeouts` is true by default. Limits in it count too. */
  retry?: Omit<RetryPolicy, 'queueTimeoutMs'> | null;
}

export interface RetryPolicy extends ActivityLimits {
  /** Attempts in all, the first included; at least 1, or Infinity. */
  maxAttempts: number;
  /** `'exponential'` by default: 100 ms, doubling, at most 30 s. */
  backoff?: Backoff;
  /**
   * Whether an attempt that took longer than `timeoutMs` is followed by another one, once its function has
   * settled or 10 s later. False by default; true in the `retry` options of `scheduleActivity` and `run`.
   */
  retryTimeouts?: boolean;
  /** How much of each pause may be lost by chance, from 0 to 1, so that many do not come back at once. */
  jitter?: number;
  /** Names or codes of what an activity throws that ends the attempts, such as `['CardDeclined']`. */
  nonRetryable?: string[];
  /**
   * Says whether to try again after a failure. It is asked once for each, by the runtime that holds the
   * instance; a replay does not ask. If it throws, that is the outcome.
   */
  retryIf?(error: ActivityError | TimeoutError): boolean;
}

/**
 * Code of an orchestration. It must be deterministic: the outside is reached through `ctx`. A function that
 * returns what a generator function gives will do; what it returns in the end is a value, and no task.
 */
export type Orchestration<TInput = any, TOutput = any> = (
  ctx: OrchestrationContext<TInput>,
  input: TInput,
) => Generator<any, TOutput, any>;

/** Code of an activity. It may run more than once, until its result is recorded. */
export type Activity<TInput = any, TOutput = any> = (
  ctx: ActivityContext,
  input: TInput,
) => TOutput | Promise<TOutput>;

// biome-ignore lint/complexity/noUselessEmptyExport: else the helpers below would be exported too
export {};

/** Where the types of what was registered are kept. It exists in types only. */
declare const types: unique symbol;

/**
 * A registered activity. It stands wherever its name may stand, and brings the types of its input
 * and result along.
 */
export interface RegisteredActivity<TInput = any, TOutput = any> {
  readonly kind: 'activity';
  readonly name: string;
  readonly [types]?: (input: TInput) => TOutput;
}

/** A registered orchestration, like RegisteredActivity. It stands for the name, not the version. */
export interface RegisteredOrchestration<TInput = any, TOutput = any> {
  readonly kind: 'orchestration';
  readonly name: string;
  readonly [types]?: (input: TInput) => TOutput;
}

/**
 * The name of an activity with the types of its input and result, without code. Where it stands for
 * the name, whoever imports it needs no code.
 */
export interface ActivityDefinition<TInput = any, TOutput = any>
  extends RegisteredActivity<TInput, TOutput> {
  /** Gives the code for Runtime.register. It stands for the name, too. Its options go before the definition's. */
  implement(
    fn: Activity<TInput, TOutput>,
    options?: ActivityOptions,
  ): ActivityImplementation<TInput, TOutput>;
}

/** An orchestration's name with the types of its input and result, like ActivityDefinition. */
export interface OrchestrationDefinition<TInput = any, TOutput = any>
  extends RegisteredOrchestration<TInput, TOutput> {
  /** Gives the code for Runtime.register, of one version. It stands for the name, too. */
  implement(
    fn: Orchestration<TInput, TOutput>,
    options?: ImplementOptions,
  ): OrchestrationImplementation<TInput, TOutput>;
}

/** How executions of an orchestration end before their code does. In milliseconds. */
export interface EndOptions {
  /**
   * How long a cancellation leaves the code to clean up, where the call says nothing else; 0 by default:
   * it ends at once. It is also for the cancellation that comes from a parent.
   */
  cancelGraceMs?: number;
  /** How long an end waits for branches that have lost a race and clean up; 60000 by default. */
  cleanupTimeoutMs?: number;
}

export interface VersionOptions extends EndOptions {
  /**
   * Versions whose executions this code goes on with too, and whose starts it takes: bounds that must all
   * hold, `'>=1.1.0 <1.3.0'`, of `<`, `<=`, `>`, `>=`, `=`. An exact version that is registered goes first,
   * then the highest that replaces it. `ctx.orchestrationVersion` stays the recorded one.
   */
  replaces?: string;
}

export interface ImplementOptions extends VersionOptions {
  /** The semantic version of this code, `'1.0.0'` by default. */
  version?: string;
}

/** Code of an activity, to be registered. It stands for the name. */
export interface ActivityImplementation<TInput = any, TOutput = any>
  extends RegisteredActivity<TInput, TOutput> {
  readonly fn: Activity<TInput, TOutput>;
}

/** Code of an orchestration, to be registered. It stands for the name, not the version. */
export interface OrchestrationImplementation<TInput = any, TOutput = any>
  extends RegisteredOrchestration<TInput, TOutput> {
  readonly fn: Orchestration<TInput, TOutput>;
  readonly version?: string;
}

/** The name of a queue, with the types of its messages and of what they are answered with. */
export interface QueueDefinition<T = any, R = any> {
  readonly kind: 'queue';
  readonly name: string;
  readonly [types]?: (data: T, reply: R) => [T, R];
}

/**
 * The name of an event, with the type of its data. Unlike one that is named by a text, it is kept until
 * it is waited for, also across continue-as-new: as a message of the queue `event:<name>`.
 */
export interface EventDefinition<T = any> {
  readonly kind: 'event';
  readonly name: string;
  readonly [types]?: (data: T) => T;
}

/**
 * Defines an orchestration: `defineOrchestration<OrderInput, Receipt>('Order')` gives its name with its
 * types, and `implement` of that the code. With a function it gives both at once; then it may not name
 * itself within.
 */
export function defineOrchestration<TInput = any, TOutput = any>(
  name: string,
): OrchestrationDefinition<TInput, TOutput>;
export function defineOrchestration<TInput = any, TOutput = any>(
  name: string,
  fn: Orchestration<TInput, TOutput>,
): OrchestrationImplementation<TInput, TOutput>;
export function defineOrchestration<TInput = any, TOutput = any>(
  name: string,
  options: ImplementOptions,
  fn: Orchestration<TInput, TOutput>,
): OrchestrationImplementation<TInput, TOutput>;
/**
 * Defines an activity: its name with its types or, with a function, its code as well. Options are for every
 * call that names it by what this gives.
 */
export function defineActivity<TInput = any, TOutput = any>(
  name: string,
  options?: ActivityOptions,
): ActivityDefinition<TInput, TOutput>;
export function defineActivity<TInput = any, TOutput = any>(
  name: string,
  fn: Activity<TInput, TOutput>,
): ActivityImplementation<TInput, TOutput>;
export function defineActivity<TInput = any, TOutput = any>(
  name: string,
  options: ActivityOptions,
  fn: Activity<TInput, TOutput>,
): ActivityImplementation<TInput, TOutput>;
/** Defines a queue, for dequeueEvent, receive, enqueueEvent and request; `R` is what its messages are answered with. */
export function defineQueue<T = any, R = void>(name: string): QueueDefinition<T, R>;
/** Defines an event that is kept, for waitForEvent and raiseEvent. */
export function defineEvent<T = any>(name: string): EventDefinition<T>;

/**
 * What Runtime.register takes: code, a module that exports some (what else it exports is left alone), or
 * a function that is called with the runtime.
 */
export type Registrable =
  | ActivityImplementation
  | OrchestrationImplementation
  | { readonly [name: string]: unknown }
  | ((runtime: Runtime) => void);

/** The input, which may be left out if it may be undefined, and what comes after it. */
type InputThen<TInput, TRest extends unknown[]> = undefined extends TInput
  ? [input?: TInput, ...rest: TRest]
  : [input: TInput, ...rest: TRest];

export interface MapOptions {
  /** How many run at a time, at least 1. */
  concurrency: number;
  /**
   * After so many failures no further item begins: those that run are waited for, and the others are
   * `{ err: 'not started' }`.
   */
  stopAfterFailures?: number;
}

/**
 * How an activity is run. What the call of scheduleActivity says counts, then its definition, then what it is
 * registered with in the runtime that runs the orchestration: `retry` as a whole, headers by name, the rest each
 * by itself. It is fixed, and recorded, when the activity is scheduled.
 */
export interface ActivityOptions extends ActivityLimits {
  /** Runs the activity on the worker that owns the session; the empty string means none. */
  sessionId?: string;
  /** Routes the activity to workers that take the tag. */
  tag?: string;
  /** Tries the activity again when it fails; the last failure is thrown. Without it, it is tried once. */
  retry?: Omit<RetryPolicy, keyof ActivityLimits>;
  /** What the activity has in its `headers`, beside those of its instance. */
  headers?: Headers;
}

/**
 * What an orchestration sees of its execution, and how it asks for work. `TInput` is what the
 * orchestration takes, and so what continueAsNew takes.
 */
export class OrchestrationContext<TInput = any> {
  private constructor();
  readonly instanceId: string;
  /** 1 for the first execution, one more after each continue-as-new. */
  readonly executionId: number;
  readonly orchestrationName: string;
  readonly orchestrationVersion: string;
  /** What travels with the instance: what its start was given, or that of the parent. */
  readonly headers: Headers;
  /** Whether the code repeats what it did before. Do not let decisions depend on it. */
  readonly isReplaying: boolean;
  /** Of what a schedule has started, over continue-as-new too; null for everybody else, children included. */
  readonly schedule: ScheduledRun | null;

  /** Runs an activity. Failures are thrown as ActivityError. */
  scheduleActivity<T = any, TInput = any>(
    activity: string | RegisteredActivity<TInput, T>,
    ...input: InputThen<NoInfer<TInput>, [options?: ActivityOptions]>
  ): ActivityTask<T>;
  /** Like scheduleActivity; a result that is a string is parsed once more as JSON. */
  scheduleActivityTyped<T = any, TInput = any>(
    activity: string | RegisteredActivity<TInput, T>,
    ...input: InputThen<NoInfer<TInput>, [options?: ActivityOptions]>
  ): ActivityTask<T>;
  /** Runs an activity on the worker that owns the session. */
  scheduleActivityOnSession<T = any, TInput = any>(
    activity: string | RegisteredActivity<TInput, T>,
    input: NoInfer<TInput>,
    sessionId: string,
  ): ActivityTask<T>;
  scheduleActivityOnSessionTyped<T = any, TInput = any>(
    activity: string | RegisteredActivity<TInput, T>,
    input: NoInfer<TInput>,
    sessionId: string,
  ): ActivityTask<T>;
  /** Runs an activity again when it fails; the last failure is thrown. */
  scheduleActivityWithRetry<T = any, TInput = any>(
    activity: string | RegisteredActivity<TInput, T>,
    input: NoInfer<TInput>,
    retry: RetryPolicy,
  ): ActivityTask<T>;
  scheduleActivityWithRetryTyped<T = any, TInput = any>(
    activity: string | RegisteredActivity<TInput, T>,
    input: NoInfer<TInput>,
    retry: RetryPolicy,
  ): ActivityTask<T>;
  scheduleActivityWithRetryOnSession<T = any, TInput = any>(
    activity: string | RegisteredActivity<TInput, T>,
    input: NoInfer<TInput>,
    retry: RetryPolicy,
    sessionId: string,
  ): ActivityTask<T>;
  scheduleActivityWithRetryOnSessionTyped<T = any, TInput = any>(
    activity: string | RegisteredActivity<TInput, T>,
    input: NoInfer<TInput>,
    retry: RetryPolicy,
    sessionId: string,
  ): ActivityTask<T>;

  /**
   * Runs code of its own as an activity under a name: on the node that holds the instance, in a slot of its
   * runtime, at least once. What it gives is recorded, so a replay does not run it. After a crash, the end of
   * the runtime or a move to another node the replayed code brings the function again, so it may use what
   * the orchestration knows, and should change nothing there. A replay compares the name only. It fails as
   * an activity does, with an ActivityError.
   */
  run<T = any>(
    name: string,
    fn: (context: ActivityContext) => T | Promise<T>,
    options?: InlineActivityOptions | null,
  ): ScheduledTask<Awaited<T>>;

  /** Waits, across restarts. */
  scheduleTimer(delay: Duration): ScheduledTask<null>;
  /**
   * Waits until a moment, across restarts; one that is over ends at once. It goes by the time of the store,
   * and never ends before the moment.
   */
  scheduleTimerAt(date: Moment): ScheduledTask<null>;
  /** Waits for a signal. One that comes while nobody waits is lost, unless it is of defineEvent. */
  waitForEvent<T = any>(event: string | EventDefinition<T>): ScheduledTask<T>;
  waitForEventTyped<T = any>(event: string | EventDefinition<T>): ScheduledTask<T>;
  /** Takes the oldest message of a queue, or waits for one. Messages are kept until taken. */
  dequeueEvent<T = any>(queue: string | QueueDefinition<T>): ScheduledTask<T>;
  dequeueEventTyped<T = any>(queue: string | QueueDefinition<T>): ScheduledTask<T>;
  /** Takes a message as `dequeueEvent`, and can answer it where a client waits for that: Client.request. */
  receive<T = any, R = any>(queue: string | QueueDefinition<T, R>): ScheduledTask<Message<T, R>>;
  /**
   * Answers a request by its token, `replyTo` of its message, which may come from another execution, instance or
   * activity. The first answer counts, and none counts after the end of who was asked. See `send`.
   */
  reply(token: string, value?: unknown): void;
  /** Answers a request with an error, which is a RejectedError to who asked; see `reply`. */
  rejectRequest(token: string, error: unknown): void;
  /** Reads a committed value of any instance. */
  getValueFromInstance(instanceId: string, key: string): ScheduledTask<string | null>;

  /** Runs a child and waits for it. Failures are thrown as OrchestrationError. */
  scheduleSubOrchestration<T = any, TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput, T>,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<T>;
  scheduleSubOrchestrationTyped<T = any, TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput, T>,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<T>;
  scheduleSubOrchestrationWithId<T = any, TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput, T>,
    instanceId: string,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<T>;
  scheduleSubOrchestrationWithIdTyped<T = any, TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput, T>,
    instanceId: string,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<T>;
  scheduleSubOrchestrationVersioned<T = any, TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput, T>,
    version: string | null,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<T>;
  scheduleSubOrchestrationVersionedTyped<T = any, TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput, T>,
    version: string | null,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<T>;
  scheduleSubOrchestrationVersionedWithId<T = any, TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput, T>,
    version: string | null,
    instanceId: string,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<T>;
  scheduleSubOrchestrationVersionedWithIdTyped<T = any, TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput, T>,
    version: string | null,
    instanceId: string,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<T>;
  /** Starts an independent instance and goes on at once. An id that is taken changes nothing. */
  startOrchestration<TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput>,
    instanceId: string,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<null>;
  startOrchestrationTyped<TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput>,
    instanceId: string,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<null>;
  startOrchestrationVersioned<TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput>,
    version: string | null,
    instanceId: string,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<null>;
  startOrchestrationVersionedTyped<TInput = any>(
    orchestration: string | RegisteredOrchestration<TInput>,
    version: string | null,
    instanceId: string,
    ...input: InputThen<NoInfer<TInput>, []>
  ): ScheduledTask<null>;

  /**
   * Sends a message to a queue of another instance, or of this one, as Client.enqueueEvent. It is done at
   * the call: there is nothing to yield. Like what `raise` and `cancelInstance` send it is recorded, leaves
   * with the commit of the turn, once, whatever becomes of this instance, and is for whoever lives at the id
   * then; where nobody does, it waits as what clients send. Messages to one instance keep their order.
   */
  send<T = any>(
    instanceId: string,
    queue: string | QueueDefinition<T>,
    ...data: InputThen<NoInfer<T>, [options?: SendOptions]>
  ): void;
  /** Sends a signal to another instance, as Client.raiseEvent; see `send`. */
  raise<T = any>(
    instanceId: string,
    event: string | EventDefinition<T>,
    ...data: InputThen<NoInfer<T>, []>
  ): void;
  /** Asks another instance and its children to end, as Client.cancelInstance; see `send`. */
  cancelInstance(instanceId: string, reason?: string | null): void;
  /** Ends another instance and its children whatever their code says, as Client.terminateInstance; see `send`. */
  terminateInstance(instanceId: string, reason?: string | null): void;

  /**
   * Makes a promise that somebody outside settles who has its token: a webhook, or whoever reads a mail.
   * `yield* promise` waits, as often as code likes, alone or in `race` and `all`; a rejection is thrown as
   * RejectedError. It belongs to this execution: where that has ended, or has continued as new, its token is
   * INSTANCE_ENDED.
   */
  promise<T = any>(): DurablePromise<T>;

  /** A random UUID, the same at each replay. */
  newGuid(): ScheduledTask<string>;
  /** The time in milliseconds since 1970, the same at each replay. */
  utcNow(): ScheduledTask<number>;
  /** Ends this execution and begins the next, in the latest version. Code after it never runs. */
  /**
   * Which way to go where the code was changed while instances run: true for the new one. The first answer of an
   * execution holds for all of it and is recorded with its next commit; false where the execution went past this
   * place before the code asked. Nothing has to be yielded. A question that is deleted later is no difference.
   *
   *     yield ctx.scheduleActivity(ctx.patched('v2-pricing') ? 'priceV2' : 'price', order);
   *
   * `name` has at most `MAX_NAME_BYTES` bytes.
   */
  patched(name: string): boolean;
  continueAsNew(...input: InputThen<TInput, []>): ScheduledTask<never>;
  continueAsNewTyped(...input: InputThen<TInput, []>): ScheduledTask<never>;
  continueAsNewVersioned(input: TInput, version: string | null): ScheduledTask<never>;
  continueAsNewVersionedTyped(input: TInput, version: string | null): ScheduledTask<never>;

  /** Waits for every task, in any order; a failed one does not end the others. */
  all<const T extends readonly (ScheduledTask | Branch)[]>(
    tasks: T,
  ): ScheduledTask<{ -readonly [K in keyof T]: JoinResult<ResultOf<T[K]>> }>;
  allTyped<const T extends readonly (ScheduledTask | Branch)[]>(
    tasks: T,
  ): ScheduledTask<{ -readonly [K in keyof T]: JoinResult<ResultOf<T[K]>, unknown> }>;
  /** Waits for every task; gives what Promise.allSettled gives. */
  allSettled<const T extends readonly (ScheduledTask | Branch)[]>(
    tasks: T,
  ): ScheduledTask<{ -readonly [K in keyof T]: PromiseSettledResult<ResultOf<T[K]>> }>;
  /**
   * Waits for a task or branch of each item, at most `concurrency` of them at a time; gives what `all` gives,
   * in the order of the items. In memory are, beside items and results, only those that run.
   */
  map<TItem, TTask extends ScheduledTask | Branch>(
    items: readonly TItem[],
    fn: (item: TItem, index: number) => TTask,
    options: MapOptions,
  ): ScheduledTask<JoinResult<ResultOf<TTask>>[]>;
  /** Waits for the first success; throws an AggregateError if there is none. */
  any<const T extends readonly (ScheduledTask | Branch)[]>(
    tasks: T,
  ): ScheduledTask<AnyResult<ResultsOf<T>>>;
  /**
   * Waits for the first task to end, and cancels the others. Branches among them get a CancelledError where
   * they wait; what they yield then runs beside the code that goes on.
   */
  race<const T extends readonly (ScheduledTask | Branch)[]>(
    ...tasks: T
  ): ScheduledTask<RaceResult<ResultsOf<T>>>;
  raceTyped<const T extends readonly (ScheduledTask | Branch)[]>(
    ...tasks: T
  ): ScheduledTask<RaceResult<ResultsOf<T>, unknown>>;

  /** Begins a list of compensations; code may have several. */
  saga(): Saga;

  /** Shows a text to clients; at most 262144 bytes. Objects are stored as JSON. */
  setCustomStatus(status: unknown): void;
  resetCustomStatus(): void;
  getCustomStatus(): string | null;

  /** Stores a text under a key. Objects are stored as JSON. */
  setValue(key: string, value: unknown): void;
  getValue(key: string): string | null;
  clearValue(key: string): void;
  clearAllValues(): void;
  getKvAllValues(): Record<string, string>;
  /** The keys, sorted by code point. */
  getKvAllKeys(): string[];
  getKvLength(): number;
  /**
   * Removes the keys that were last written before a time, and gives their number. A key was
   * written when the result came that the code was working on.
   */
  pruneKvValuesUpdatedBefore(cutoffMs: number): number;

  /** Traces are shown once, not again when code is replayed. Fields stand in the log beside the text. */
  traceDebug(message: unknown): void;
  traceDebug(fields: object, message: string): void;
  traceInfo(message: unknown): void;
  traceInfo(fields: object, message: string): void;
  traceWarn(message: unknown): void;
  traceWarn(fields: object, message: string): void;
  traceError(message: unknown): void;
  traceError(fields: object, message: string): void;
}

/** What an activity sees of its attempt. */
export class ActivityContext {
  private constructor();
  readonly instanceId: string;
  readonly executionId: number;
  readonly orchestrationName: string;
  readonly orchestrationVersion: string;
  /** What travels with the instance: what its start was given, or that of the parent. */
  readonly headers: Headers;
  readonly activityName: string;
  readonly workerId: string;
  readonly sessionId: string | null;
  /**
   * 1 for the first attempt to run this schedule. Attempts that have failed count, and those that were lost
   * with their process, which a policy does not count.
   */
  readonly attempt: number;
  /**
   * 64 characters that stand for what is to be done: the same in every attempt, after a crash, and after a
   * rewind; another for each other schedule, execution, instance and copy of one. Give it to whoever must not do
   * it twice.
   */
  readonly idempotencyKey: string;
  /** Aborted, with a CancelledError as its reason, when the result is no longer wanted. */
  readonly signal: AbortSignal;
  /** The routing tag. */
  tag(): string | null;
  /** Whether the result is no longer wanted. Once true, it stays true. */
  isCancelled(): boolean;
  /**
   * Waits for so many milliseconds, or rejects with the reason of `signal` when that is aborted. In
   * `duroxide/testing` it goes by the time of the test environment.
   */
  sleep(ms: number): Promise<void>;
  /**
   * Says how far it is, in at most 65 536 bytes: the next attempt has it as `lastHeartbeat`. It is stored a moment
   * later. Throws with the code `INVALID_STATE` once the attempt is over.
   */
  heartbeat(details?: unknown): void;
  /** What attempts before have last said; undefined for nothing. */
  readonly lastHeartbeat: unknown;
  /** A client on the same store; null once the activity has ended. */
  getClient(): Client | null;
  traceDebug(message: unknown): void;
  traceDebug(fields: object, message: string): void;
  traceInfo(message: unknown): void;
  traceInfo(fields: object, message: string): void;
  traceWarn(message: unknown): void;
  traceWarn(fields: object, message: string): void;
  traceError(message: unknown): void;
  traceError(fields: object, message: string): void;
}

export interface SqliteOptions {
  /** `'full'`, the default, survives a power cut; `'normal'` survives a crash of the process. */
  synchronous?: 'full' | 'normal';
  /**
   * How long a queue message waits for an instance that does not exist yet, in milliseconds. Then it is
   * dropped with a warning. The default is seven days.
   */
  orphanRetentionMs?: number;
  /** How long answers to requests are kept, in milliseconds. The default is 24 hours. */
  replyRetentionMs?: number;
  /**
   * Opens a file that is there, and never changes it: whatever would, rejects with the code READ_ONLY, and no
   * runtime starts on it. Beside an application that uses the file, or for a backup. False by default.
   */
  readOnly?: boolean;
  /**
   * `false` makes no file and changes no tables: opening fails with the code `SCHEMA` where a migration is
   * missing, and `details.migrations` says which are there. The default is true.
   */
  migrate?: boolean;
}

/** What a store stands on, for people who look for the cause of trouble. */
export interface StoreInspection {
  kind: 'sqlite' | 'postgres';
  /** Of the library or the server. */
  version: string;
  /** Of the engine. */
  engine: string;
  /** The numbers of the last migration of the store and of the last one that this release knows. */
  migrations: { applied: number; known: number };
  /** How far the clock of the store is ahead of that of this process. */
  aheadMs: number;
  /** What else matters, in words: how a file is kept, which limits a server has and how much of them is used. */
  settings: { name: string; value: string }[];
}

/** How far a backup is. */
export interface BackupProgress {
  totalPages: number;
  remainingPages: number;
}

export interface BackupOptions {
  /** Replaces a file that is there already. Without it, that is an error. */
  overwrite?: boolean;
  /** Called after every 4 MiB. If it throws, the backup is given up, and rejects with that. */
  progress?: (progress: BackupProgress) => unknown;
}

export interface BackupResult {
  pages: number;
  /** The size of the file. */
  bytes: number;
}

/** Storage in one SQLite file. */
export class SqliteProvider {
  private constructor();
  /**
   * Opens a file; it and missing folders are made. `path` is a path, `sqlite:<path>`, `sqlite://<path>`
   * (three slashes begin an absolute one), `file:///<absolute path>`, a URL object of these, or
   * `:memory:`. In URLs, `%20` is a space, and `?mode=rw` asks for a file that is there.
   */
  static open(path: string | URL, options?: SqliteOptions): Promise<SqliteProvider>;
  /** Makes a private database in memory. */
  static inMemory(options?: SqliteOptions): Promise<SqliteProvider>;
  /**
   * Copies everything that is committed at the call into a file, while the store is in use. The file
   * appears under its name when it is complete and on the disk. Not for stores in memory.
   */
  backup(path: string, options?: BackupOptions): Promise<BackupResult>;
  /**
   * Gives the SQL that makes the tables, for looking at it: of the migrations after number `after`, 0 by
   * default, in one transaction. It opens no file. `PRAGMA user_version` says what is there.
   */
  static migrationSql(options?: { after?: number }): Promise<string>;
  /** Says how the file is kept, and which migrations it has. */
  inspect(): Promise<StoreInspection>;
  /** Shuts the runtimes on it down, then closes the store. Closing twice is harmless. */
  close(): Promise<void>;
}

/** Options of all connections to PostgreSQL. */
export interface PostgresOptions {
  /** At most so many connections; the default is `DUROXIDE_PG_POOL_MAX` or 10. */
  maxConnections?: number;
  /** How long a call waits for a free connection; the default is 30 seconds. */
  acquireTimeoutMs?: number;
  /**
   * `false` changes no tables: connecting fails with the code `SCHEMA` where a migration is missing, and
   * `details.migrations` says which are there.
   * `migrationSql` gives the SQL, and `npx duroxide postgres-sql` prints it, for whoever may apply it. The
   * default is true.
   */
  migrate?: boolean;
  /**
   * How long a queue message waits for an instance that does not exist yet, in milliseconds. Then it is
   * dropped with a warning. The default is seven days.
   */
  orphanRetentionMs?: number;
  /** How long answers to requests are kept, in milliseconds. The default is 24 hours. */
  replyRetentionMs?: number;
  /**
   * Changes nothing, not even the tables: whatever would, rejects with the code READ_ONLY, and no runtime starts
   * on it. False by default.
   */
  readOnly?: boolean;
}

/** Options of connections by URL. */
export interface PostgresUrlOptions extends PostgresOptions {
  /**
   * Where the URL leads to a pooler: the URL of the server itself, for one connection that listens
   * for changes of other processes. Without it they are found by polling.
   */
  directUrl?: string;
}

/** Options of connections that use Microsoft Entra ID tokens instead of a password. */
export interface PostgresEntraOptions extends PostgresOptions {
  /** The scope of the tokens; the default is that of the public cloud. */
  audience?: string;
  /** The longest time between two tokens; the default is 20 minutes. */
  refreshIntervalMs?: number;
}

/** Storage in PostgreSQL: any number of processes may share one schema. */
export class PostgresProvider {
  private constructor();
  /**
   * Connects and brings the tables in the schema `public` up to date. `postgres://` and
   * `postgresql://` URLs are taken; `pooler=transaction` in the query says that a pooler lies
   * between. The `PG…` variables of the environment are not read.
   */
  static connect(databaseUrl: string, options?: PostgresUrlOptions): Promise<PostgresProvider>;
  /**
   * Gives the SQL that makes the tables, for whoever may do so: of the migrations after number `after`, 0 by
   * default, in one transaction. It asks no server. `SELECT max(version) FROM <schema>.duroxide_migrations`
   * says what is there.
   */
  static migrationSql(options?: { schema?: string; after?: number }): Promise<string>;
  /** Says how the server is set up, how much of its limits is used, and which migrations the schema has. */
  inspect(): Promise<StoreInspection>;
  /** As `connect`, with all tables in a schema, which is made if it is missing. */
  static connectWithSchema(
    databaseUrl: string,
    schema: string,
    options?: PostgresUrlOptions,
  ): Promise<PostgresProvider>;
  /** Connects with tokens of Microsoft Entra ID, always with verified TLS. */
  static connectWithEntra(
    host: string,
    port: number,
    database: string,
    user: string,
    options?: PostgresEntraOptions,
  ): Promise<PostgresProvider>;
  /** As `connectWithEntra`, with all tables in a schema, which is made if it is missing. */
  static connectWithSchemaAndEntra(
    host: string,
    port: number,
    database: string,
    user: string,
    schema: string,
    options?: PostgresEntraOptions,
  ): Promise<PostgresProvider>;
  /** Shuts the runtimes on it down, then closes the store. Closing twice is harmless. */
  close(): Promise<void>;
}

export type Provider = SqliteProvider | PostgresProvider;

/** The state of an instance. Keys that do not apply are absent. */
export interface OrchestrationStatus<TOutput = any> {
  /** Running as soon as the start is stored, also while no runtime has the code. */
  status: 'NotFound' | 'Running' | 'Completed' | 'Failed';
  /** Goes up with each committed change of the custom status; 0 if there was none. */
  customStatusVersion: number;
  /** Only when completed. */
  output?: TOutput;
  /** Only when failed. */
  error?: string;
  /** Only when failed: what it was, beside the text. */
  failure?: Failure;
  customStatus?: string;
  /** Only where it is held: no code that had it fits its history. `getInstanceInfo` says more. */
  held?: true;
  /** Only while it is cancelled and its code cleans up. */
  cancelling?: Cancelling;
}

export interface SystemMetrics {
  totalInstances: number;
  totalExecutions: number;
  runningInstances: number;
  completedInstances: number;
  failedInstances: number;
  totalEvents: number;
}

export interface SystemStats {
  historyEventCount: number;
  historySizeBytes: number;
  queuePendingCount: number;
  kvUserKeyCount: number;
  kvTotalValueBytes: number;
}

export interface QueueDepths {
  orchestratorQueue: number;
  workerQueue: number;
  timerQueue: number;
}

/** What getStatus says of an instance: here, when a message for it was stored. */
export type TargetState = 'NotFound' | 'Running' | 'Completed' | 'Failed';

export type ExecutionStatus = 'Running' | 'Completed' | 'Failed' | 'ContinuedAsNew';

/** Times are milliseconds since 1970. */
export interface InstanceInfo<TOutput = any> {
  instanceId: string;
  orchestrationName: string;
  /** Null until the first turn has chosen one, unless the start asked for one. */
  orchestrationVersion: string | null;
  currentExecutionId: number;
  status: ExecutionStatus;
  /** The result; absent while running. Of a failed one the error's text, unless `parsed` is asked for. */
  output?: TOutput;
  /** The error's text where `parsed` is asked for. Only when failed. */
  error?: string;
  /** Only when failed. */
  failure?: Failure;
  createdAt: number;
  updatedAt: number;
  /** When a delayed start is due; only from getInstanceInfo and describe, and until it has begun. */
  startAt?: number;
  /** When its `executionTimeoutMs` is over; only from getInstanceInfo and describe, and until then. */
  timeoutAt?: number;
  parentInstanceId?: string;
  /** Only where it is held, and what for. */
  held?: true;
  hold?: Hold;
  /** Only while it is cancelled and its code cleans up. */
  cancelling?: Cancelling;
  /** Only where `importHistory` has made it: whatever its status, it does nothing. */
  imported?: true;
}

export interface InstanceDescription<TOutput = any> extends InstanceInfo<TOutput> {
  /** Of the current execution's history, of what waits for the instance, and of its values. */
  sizes: {
    historyEvents: number;
    historyBytes: number;
    messages: number;
    keys: number;
    valueBytes: number;
  };
  /** The ids of direct children, at most 100, and how many there are. */
  children: string[];
  childCount: number;
  /** Each thing that it waits for, in the order in which it began to, at most 100; empty once it has ended. */
  waitingFor: Wait[];
  /** It waits for more than `waitingFor` says: there are too many, or its history is too long or too new. */
  hasMore: boolean;
}

/** Which instances are listed or counted: conditions that are given must all hold. */
export interface InstancesFilter {
  /** `'Running'` has those that wait for their first turn too. */
  status?: ExecutionStatus;
  name?: string | RegisteredOrchestration;
  version?: string;
  idPrefix?: string;
  /** The id of the parent. */
  parent?: string;
  /** Unix milliseconds: at this moment or after it, and before it. */
  createdFrom?: number;
  createdBefore?: number;
  updatedFrom?: number;
  updatedBefore?: number;
  /** Those that have failed so. */
  failure?: FailureKind;
  /** Those that are held; `false`: the others. */
  held?: boolean;
}

export interface InstancesQuery extends InstancesFilter {
  /** By the time of the start, or by the bytes of the id; `'newest'` by default. */
  orderBy?: 'newest' | 'oldest' | 'id';
  /** Of a page, 100 by default; at least 1. */
  limit?: number;
  after?: string;
}

export interface InstancesPage {
  instances: InstanceSummary[];
  next: string | null;
}

export type InstanceSummary = Omit<InstanceInfo, 'output' | 'error' | 'failure' | 'hold'> & {
  /** Only when failed. */
  failureKind?: FailureKind;
};

/** What instances are told apart by when they are counted. */
export type InstanceGrouping = 'status' | 'name' | 'version' | 'failure';

export interface InstanceCounts {
  count: number;
  /** The largest first, at most 1000 of them; none where nothing was asked for. */
  groups: InstanceGroup[];
  /** There are more groups; `count` has theirs too. */
  hasMore: boolean;
}

/** How many instances have in common what was asked for by `groupBy`. */
export interface InstanceGroup {
  status?: ExecutionStatus;
  name?: string;
  /** Null for what has not begun and asked for none. */
  version?: string | null;
  /** Null for what has not failed, or was failed by an earlier release. */
  failure?: FailureKind | null;
  count: number;
}

/** What all waits have. Times are Unix milliseconds. */
export interface WaitBase {
  /** Of the recorded event that began the wait; absent for `code`. */
  eventId?: number;
  /** When it began. */
  since: number;
}

/** One thing that an instance waits for. */
export type Wait =
  | ActivityWait
  | TimerWait
  | EventWait
  | QueueWait
  | PromiseWait
  | ChildWait
  | CodeWait
  | HeldWait;

/** A runtime that has something in hand. */
export interface WaitWorker {
  id: string;
  host?: string;
  pid?: number;
  /** How long its JavaScript thread has not answered, where it blocks. */
  blockedMs?: number;
}

export interface ActivityWait extends WaitBase {
  kind: 'activity';
  name: string;
  tag?: string;
  sessionId?: string;
  /**
   * - `queued`: runtimes that live can run it, and it is at `position` among what waits for them; they run
   *   `running` activities on `slots` slots
   * - `running`: `worker` has it
   * - `retrying`: attempt number `attempt` is due at `nextAt`, which is absent while code decides about it
   * - `no-worker`: runtimes that live have its code, but none takes its tag or session
   * - `no-code`: no runtime that lives has registered it
   * - `finished`: its outcome is stored, and the instance has not taken it yet
   */
  state?: 'queued' | 'running' | 'retrying' | 'no-worker' | 'no-code' | 'finished';
  worker?: WaitWorker;
  /** From 1; at most 1001, which stands for anything above. */
  position?: number;
  running?: number;
  slots?: number;
  attempt?: number;
  nextAt?: number;
  /** What the last attempt failed with, where its policy tries it again. */
  error?: string;
  /** What it has last said with `ctx.heartbeat`. */
  heartbeat?: unknown;
}

export interface TimerWait extends WaitBase {
  kind: 'timer';
  dueAt: number;
  /**
   * Where the timer was set in answer to the failure of an activity, such as a pause that code makes itself
   * before it goes on: the activity, its last error, and how many activities of that name have failed in this
   * execution.
   */
  after?: { activity: string; error: string; failures: number };
}

export interface EventWait extends WaitBase {
  kind: 'event';
  /** The name that has to be raised. */
  name: string;
}

export interface QueueWait extends WaitBase {
  kind: 'queue';
  name: string;
}

/** For `client.resolve` or `client.reject`. */
export interface PromiseWait extends WaitBase {
  kind: 'promise';
}

export interface ChildWait extends WaitBase {
  kind: 'child';
  name: string;
  instanceId: string;
  status?: string;
  /** What the child waits for, of the first 16 children, and theirs, that are met. */
  waitingFor?: Wait[];
}

/** Something has come that the code of the instance has not taken yet. */
export interface CodeWait extends WaitBase {
  kind: 'code';
  name: string;
  /** Absent where any version will do. */
  version?: string;
  /** `queued`: a runtime that lives can take it; `running`: `worker` has it; `no-code`: none has the code. */
  state: 'queued' | 'running' | 'no-code';
  worker?: WaitWorker;
}

/** It is held, and `hold` of the description says what for. */
export interface HeldWait extends WaitBase {
  kind: 'held';
  name: string;
  version?: string;
}

export interface Health {
  /** The runtimes that live, in all processes, in the order of their starts. */
  runtimes: RuntimeInfo[];
  /** The oldest ready work of each sort that no runtime has in hand, the oldest first, of at most 16 sorts. */
  waiting: WaitingWork[];
  /** Those of `waiting` that no living runtime can take. */
  unserved: WaitingWork[];
  /** What the store takes on disk; 0 in memory. */
  sizeBytes: number;
}

/** Ready work of one sort: of one orchestration and version, or of one activity and tag. */
export interface WaitingWork {
  kind: 'code' | 'activity';
  name: string;
  version?: string;
  tag?: string;
  /** The instance that has waited longest, since `since`. */
  instanceId: string;
  since: number;
  state: 'queued' | 'no-worker' | 'no-code';
}

export interface RuntimeHealth {
  isReady: boolean;
  reason?: string;
  load: RuntimeInfo['load'];
}

/**
 * What a runtime says of itself: when it starts, and while it works. On one machine its process tells whether
 * it lives, elsewhere its session with the PostgreSQL server; without one it is believed for three minutes.
 */
export interface RuntimeInfo {
  /** Random for each start. */
  id: string;
  host: string;
  /** Of the process of the engine. */
  pid: number;
  engineVersion: string;
  serviceName: string;
  serviceVersion: string;
  /** Who owns its sessions: `workerNodeId`, or the id. */
  sessionOwner: string;
  /** The versions of each orchestration, ascending. */
  orchestrations: Record<string, string[]>;
  /** Of each orchestration the ranges of versions that others replace, as `'>=1.1.0 <1.3.0'`. */
  replaces: Record<string, string[]>;
  activities: string[];
  tags: TagFilter;
  orchestrationConcurrency: number;
  workerConcurrency: number;
  startedAt: number;
  /** When it last wrote of itself: an idle one does not. */
  seenAt: number;
  /**
   * How busy it was then: instances with work in memory, activities that run, and how long its JavaScript
   * thread had not answered.
   */
  load: { instances: number; activities: number; blockedMs: number };
}

/** Why an instance does not go on: its history does not fit the code of those that had it. */
export interface Hold {
  executionId: number;
  /** The codes that do not fit, the last one at the end; the rest is about that. */
  codeIds: string[];
  /** The recorded event that does not fit; 0 where there is none. */
  eventId: number;
  /** What does not fit, in words. */
  reason: string;
  /** What the code asked for, and what is recorded in its place, where there are two sides. */
  asked?: string;
  recorded?: string;
  /** Where in the code that is, as `file:line:column`, where it is known. */
  place?: string;
  /** When the first of the codes did not fit, in milliseconds since 1970. */
  since: number;
}

export interface RepairOptions {
  /** Why, and who asks for it: recorded in the history. At most 4000 bytes each. */
  reason?: string;
  by?: string;
  /** Changes nothing, and says what would be done, or rejects as it would. */
  dryRun?: boolean;
}

export interface RetryOptions extends RepairOptions {
  /** Repairs the parents too that have failed because of this instance, all in one commit. */
  parents?: boolean;
}

export interface DefaultVersionOptions {
  /** How many of a hundred ids take the version: 100 by default. */
  percent?: number;
}

/** Which version starts take that ask for none. */
export interface DefaultVersion {
  name: string;
  version: string;
  percent: number;
  /** What the other ids take; null where there are none. */
  otherwise: string | null;
}

/** What bulk repairs select. Every condition that is given must hold. */
export interface RetryFilter extends Omit<ListOptions, 'limit' | 'before'> {
  /** Held instances; without it, root instances that have failed, whose children go along. */
  held?: boolean;
  /** Only those that failed like this. */
  failure?: FailureKind;
}

export interface BulkRepairResult extends RepairResult {
  /** Those that were left as they are, and why: CANNOT_REPAIR or WOULD_UNDO. */
  refused: { instanceId: string; code: string; message: string }[];
}

export interface RewindOptions extends RepairOptions {
  /**
   * The last event that is kept: numbers of `readExecutionHistory`. `'failure'`, for an instance that has failed,
   * is the last one before the first failure that its code has not made good.
   */
  toEvent: ToEvent | 'failure';
  /** What code did since may be forgotten. */
  acceptUndo?: boolean;
}

/** An event of an execution. */
export interface ToEvent {
  execution: number;
  event: number;
}

export interface BulkRewindOptions extends Omit<RewindOptions, 'toEvent'> {
  /** As for `rewindInstance`, or what chooses it for each instance; null leaves that one alone. */
  toEvent:
    | 'failure'
    | ((
        history: HistoryEvent[],
        instanceId: string,
      ) => ToEvent | null | undefined | Promise<ToEvent | null | undefined>);
}

export interface ForkOptions extends RepairOptions {
  /** The last event that the fork takes over; without it all events of the current execution but its end. */
  toEvent?: ToEvent;
  /** Another input than that of the original; it is given to the code from the beginning. */
  input?: unknown;
  /** Another version than that of the original. */
  version?: string;
}

/** The `details` of an error with the code WOULD_UNDO: what code did that would be undone. */
export interface WouldUndoDetails {
  instanceId: string;
  executionId: number;
  events: { eventId: number; kind: string }[];
}

/** The instances of one version of an orchestration that have not ended. */
export interface VersionInUse {
  name: string;
  /** Null where the start has not been taken yet and leaves the choice to the runtime. */
  version: string | null;
  /** All of them, held ones among them. */
  running: number;
  held: number;
  /** When the first of them was made, in milliseconds since 1970. */
  oldestAt: number;
  /** How many runtimes that live have its code. */
  runtimes: number;
  /** Every patch that some instance of the orchestration has asked for, of whatever version. */
  patches: PatchInUse[];
}

/**
 * What instances were answered by `ctx.patched(name)` in their current execution. Where none was answered
 * false, and all were asked, in every version that the code goes on with, the old path may go.
 */
export interface PatchInUse {
  name: string;
  answeredTrue: number;
  answeredFalse: number;
  notAsked: number;
}

/** What was imported. */
export interface ImportResult {
  instanceId: string;
  /** How many. */
  executions: number;
}

/** What a repair has done. */
export interface RepairResult {
  /** The instances that go on again, the one that was asked for first. */
  instances: string[];
}

export interface ExecutionInfo<TOutput = any> {
  executionId: number;
  status: ExecutionStatus;
  /** As of an instance. */
  output?: TOutput;
  error?: string;
  /** Only when failed. */
  failure?: Failure;
  startedAt: number;
  completedAt?: number;
  eventCount: number;
}

export interface HistoryEvent {
  eventId: number;
  kind: string;
  timestampMs: number;
  /** The event that this one answers. */
  sourceEventId?: number;
  /** JSON text. */
  data?: string;
  /** Of events that record a failure. */
  failure?: Failure;
}

export interface InstanceTree {
  rootId: string;
  allIds: string[];
  size: number;
}

export interface StartOptions {
  /**
   * Rejects with the code INSTANCE_EXISTS where the instance exists or another start of it waits.
   * Without it, a start of an id that exists changes nothing.
   */
  rejectIfExists?: boolean;
  /**
   * What to do where the id exists. `'ignore'` (the default) leaves the instance as it is, `'reject'` is
   * `rejectIfExists`. `'restartIfEnded'` deletes an instance that has ended, with its descendants, and starts
   * another one under the id; one that runs is left as it is. That takes two commits: if the call rejects
   * because the store failed, the old one may be gone and the new one not there, and a repeated start makes it.
   */
  ifExists?: 'ignore' | 'reject' | 'restartIfEnded' | null;
  /**
   * Messages for queues and defined events, stored in one commit with the start: they are there before the
   * first turn. Where the instance runs already they reach it instead (signal with start), together. Where it
   * has ended, and is not to be started again, the call rejects with the code INSTANCE_ENDED; with `'reject'`
   * and an id that exists, with INSTANCE_EXISTS: nothing is stored then. What was read once is gone, so a
   * start that is repeated sends its messages again.
   */
  messages?: StartMessage[] | null;
  /**
   * Short texts by name that travel with the instance: `ctx.headers` of the orchestration, of its activities,
   * and of what it starts, on every node and across continue-as-new. They are kept in clear text, are at most
   * 8 KiB as JSON, and mean nothing to a replay. What exists already keeps its own.
   */
  headers?: Headers | null;
  /**
   * Delays the first turn, in milliseconds. Until then the instance is Running, with `startAt` in its info, and
   * costs nothing; what is sent to it waits with it, and a cancellation ends it at once. An id that exists is left
   * as it is.
   */
  startAfterMs?: number | null;
  /** Delays the first turn until a moment; one that is over delays nothing. Instead of `startAfterMs`. */
  startAt?: Moment | null;
  /**
   * How long the instance may take from when its first turn is due, over continue-as-new and restarts; none of its
   * children has it. Then it is cancelled with the grace of its code, and its failure has the kind `timeout`. A retry,
   * a rewind and a fork begin it anew. What exists already keeps its own. Default: for ever.
   */
  executionTimeoutMs?: number | null;
}

/** What travels with an instance, such as a trace context: no secrets, they stand in the history. */
export type Headers = Readonly<Record<string, string>>;

/** A message that goes with a start. */
export interface StartMessage {
  queue: string | QueueDefinition<any> | EventDefinition<any>;
  /** Any JSON value. */
  data?: unknown;
}

export interface BeginOptions extends StartOptions {
  /** The version to run; without it, the first turn takes the latest. */
  version?: string;
}

/** A cancellation that the code was told of. Times are milliseconds since 1970. */
export interface Cancelling {
  /** That of the first cancellation. */
  reason: string;
  since: number;
  /** When it is cancelled, whatever its code does; a further cancellation can only bring that forward. */
  until: number;
}

export interface CancelOptions {
  /**
   * How long the code may clean up, in milliseconds, from when the cancellation is recorded; 0 is not at
   * all. What the code was registered with counts where this is not given.
   */
  graceMs?: number;
}

/** How a state is read. */
export interface ReadOptions {
  /**
   * The output is a value, and the text of a failure is `error`, as the waits give them. Without it,
   * getStatus gives JSON text, and the others give the text of a failure as the output.
   */
  parsed?: boolean;
}

/** How a wait waits. What it gives is parsed, also without `parsed`. */
export interface WaitOptions extends ReadOptions {
  /** How long at most, 30000 by default; then it rejects with the code TIMEOUT. 0 looks once. */
  timeoutMs?: number;
  /**
   * How long at most where there is no instance; then it rejects with the code INSTANCE_NOT_FOUND. By
   * default as long as for everything else.
   */
  notFoundMs?: number;
  /** Gives the wait up: it rejects with the reason of the signal. The instance is not concerned. */
  signal?: AbortSignal;
}

export interface SendOptions {
  /**
   * By what the message is known again that is sent twice: any text of at most MAX_NAME_BYTES. It counts for
   * the instance and the queue, before the start and across continue-as-new, for seven days; of each instance
   * the latest 10,000 count. A new life under the id knows none of them.
   */
  idempotencyKey?: string;
}

/** What became of a message with an idempotency key. */
export interface Sent {
  /** The state of the instance, as of other messages. */
  status: TargetState;
  /** Whether its key was known, so that nothing was sent now. */
  duplicate: boolean;
}

/** A message that code has received. */
export interface Message<T = any, R = any> {
  readonly data: T;
  /** The token of a request, JSON text for `reply`; null where nobody waits for an answer. */
  readonly replyTo: string | null;
  /** Answers it with the commit of the turn. Where nobody waits, it does nothing. */
  reply(value: R): void;
  /** Answers it with an error. */
  reject(error: unknown): void;
}

export interface RequestOptions {
  /** Milliseconds; 30,000 by default. */
  timeoutMs?: number;
  /** Gives the wait up. */
  signal?: AbortSignal;
  /**
   * By what the request is known again within the life that is asked. One that is known waits for the same answer
   * and sends nothing. Without it, a random one: then giving up takes the message back.
   */
  requestId?: string;
}

/** What became of a call that settles a promise or answers a request. */
export interface Settled {
  /** Whether it was settled before, so that nothing has changed now. It is known for seven days, an answer for 24 h. */
  duplicate: boolean;
}

/**
 * An instance and what may be said to it, with types. What `Client.start` gives is bound to the life that
 * it found or began: once that is deleted nothing reaches whoever lives at the id then, and messages and
 * waits reject with the code INSTANCE_NOT_FOUND. What `Client.handle` gives means whoever lives there.
 */
export interface OrchestrationHandle<TOutput = any> {
  readonly instanceId: string;
  /** Waits for the output; a failure is a rejection. */
  result(options?: WaitOptions): Promise<TOutput>;
  /** Sends a message, as Client.enqueueEvent. */
  send<T = any>(
    queue: string | QueueDefinition<T>,
    data: NoInfer<T>,
    options: SendOptions & { idempotencyKey: string },
  ): Promise<Sent>;
  send<T = any>(
    queue: string | QueueDefinition<T>,
    ...data: InputThen<NoInfer<T>, []>
  ): Promise<TargetState>;
  /** Sends a signal, as Client.raiseEvent. */
  raise<T = any>(
    event: string | EventDefinition<T>,
    ...data: InputThen<NoInfer<T>, []>
  ): Promise<TargetState>;
  /** Sends a message and waits for its answer, as Client.request. */
  request<T = any, R = any>(
    queue: string | QueueDefinition<T, R>,
    ...data: InputThen<NoInfer<T>, [options?: RequestOptions]>
  ): Promise<R>;
  /** As Client.cancelInstance. */
  cancel(reason?: string | null, options?: CancelOptions): Promise<TargetState>;
  /** As Client.terminateInstance. */
  terminate(reason?: string | null): Promise<TargetState>;
  /** Reads the state, with the output as a value. */
  status(): Promise<OrchestrationStatus<TOutput>>;
}

/** Which instances to list, and how many. Times are milliseconds since 1970. */
export interface ListOptions {
  /** The most ids to give; all by default. */
  limit?: number;
  /**
   * The last id of the previous page: goes on behind it. Rejects with the code INSTANCE_NOT_FOUND
   * where it is gone by now; who deletes while paging begins again instead.
   */
  before?: string;
  /** Only ids that begin like this. */
  idPrefix?: string;
  /** Only instances of this orchestration. */
  name?: string | RegisteredOrchestration;
  /** Only instances made at this time or later. */
  createdFrom?: number;
  /** Only instances made before this time. */
  createdBefore?: number;
}

/** Every condition that is given must hold. */
export interface ExportFilter extends Omit<ListOptions, 'limit' | 'before'> {
  status?: ExecutionStatus;
}

export interface InstanceFilter {
  instanceIds?: string[];
  /** Milliseconds since 1970. */
  completedBefore?: number;
  /** 1000 by default. */
  limit?: number;
}

export interface PruneOptions {
  /** Counts from the newest execution, the current one included. */
  keepLast?: number;
  completedBefore?: number;
}

export interface DeleteResult {
  instancesDeleted: number;
  executionsDeleted: number;
  eventsDeleted: number;
  queueMessagesDeleted: number;
}

export interface PruneResult {
  instancesProcessed: number;
  executionsDeleted: number;
  eventsDeleted: number;
}

/**
 * What becomes of values that lose something as JSON: NaN and infinities, functions and symbols, a Map or
 * Set, an instance of a class that shows none of its data. `'warn'`, the default, says so once for each call
 * site and path; `'throw'` refuses them. Members that are undefined, dates, errors and what has a `toJSON`
 * are no loss.
 */
export type StrictValues = 'warn' | 'throw' | 'off';

export interface ClientOptions {
  /** Of what this client sends. Its warnings are those of the process (`DuroxideWarning`). */
  strictValues?: StrictValues;
}

/**
 * The control plane. It needs no runtime and no closing. Every method but `handle` is asynchronous: wrong
 * arguments are rejections too. Timeouts are 30 seconds by default; a number in place of the options of a
 * wait is its timeout.
 */
export class Client {
  constructor(provider: Provider, options?: ClientOptions | null);
  /** Puts a function around each call of this client from now on; the first one is outermost. */
  use(interceptor: ClientInterceptor): void;
  /**
   * Starts an instance and gives a handle that is bound to its life. Where the id exists already nothing
   * is started, and the handle is bound to the life that is there.
   */
  start<TInput = any, TOutput = any>(
    orchestration: string | RegisteredOrchestration<TInput, TOutput>,
    instanceId: string,
    ...input: InputThen<NoInfer<TInput>, [options?: BeginOptions]>
  ): Promise<OrchestrationHandle<TOutput>>;
  /** Gives a handle of whoever lives at an id, now or later. It asks nobody, and throws at once. */
  handle<TOutput = any>(
    orchestration: string | RegisteredOrchestration<any, TOutput>,
    instanceId: string,
  ): OrchestrationHandle<TOutput>;
  /** Enqueues a start of the latest version. An id that exists already changes nothing. */
  startOrchestration<TInput = any>(
    instanceId: string,
    orchestration: string | RegisteredOrchestration<TInput>,
    ...input: InputThen<NoInfer<TInput>, [options?: StartOptions]>
  ): Promise<void>;
  startOrchestrationTyped<TInput = any>(
    instanceId: string,
    orchestration: string | RegisteredOrchestration<TInput>,
    ...input: InputThen<NoInfer<TInput>, [options?: StartOptions]>
  ): Promise<void>;
  startOrchestrationVersioned<TInput = any>(
    instanceId: string,
    orchestration: string | RegisteredOrchestration<TInput>,
    input: NoInfer<TInput>,
    version: string,
    options?: StartOptions,
  ): Promise<void>;
  startOrchestrationVersionedTyped<TInput = any>(
    instanceId: string,
    orchestration: string | RegisteredOrchestration<TInput>,
    input: NoInfer<TInput>,
    version: string,
    options?: StartOptions,
  ): Promise<void>;
  /**
   * Sends a signal for waitForEvent. It is lost if nobody waits for it; where there is no instance yet,
   * it waits ten minutes for the start. One of defineEvent is kept like a message of a queue. Resolves to
   * the state of the instance when it was stored.
   */
  raiseEvent<T = any>(
    instanceId: string,
    event: string | EventDefinition<T>,
    ...data: InputThen<NoInfer<T>, []>
  ): Promise<TargetState>;
  raiseEventTyped<T = any>(
    instanceId: string,
    event: string | EventDefinition<T>,
    ...data: InputThen<NoInfer<T>, []>
  ): Promise<TargetState>;
  /**
   * Sends a message for dequeueEvent. It is kept until it is taken or its instance is deleted; where
   * there is no instance yet, for `orphanRetentionMs` of the store. Resolves as raiseEvent.
   */
  enqueueEvent<T = any>(
    instanceId: string,
    queue: string | QueueDefinition<T>,
    data: NoInfer<T>,
    options: SendOptions & { idempotencyKey: string },
  ): Promise<Sent>;
  enqueueEvent<T = any>(
    instanceId: string,
    queue: string | QueueDefinition<T>,
    ...data: InputThen<NoInfer<T>, []>
  ): Promise<TargetState>;
  enqueueEventTyped<T = any>(
    instanceId: string,
    queue: string | QueueDefinition<T>,
    ...data: InputThen<NoInfer<T>, []>
  ): Promise<TargetState>;
  /**
   * Settles a promise of an orchestration with a value. Rejects with the codes INSTANCE_ENDED, where its
   * execution has ended, and INSTANCE_NOT_FOUND, where its instance was deleted, also if somebody else lives
   * at the id now. Any process with the store may call it, and at the same time: the first one counts.
   */
  resolve(token: string, value?: unknown): Promise<Settled>;
  /** Settles a promise of an orchestration with an error; see `resolve`. */
  reject(token: string, error: unknown): Promise<Settled>;
  /**
   * Sends a message to a queue and waits for what the orchestration answers; see `receive` there. A rejection is
   * thrown as RejectedError. It survives continue-as-new. NOT_ANSWERED, with `details.status`, says that the
   * instance has ended without an answer or does not exist. Who gives up takes back a message that code has not
   * read; the answer to what was read is dropped. Answers are kept for 24 hours, or `replyRetentionMs` of the store.
   */
  request<T = any, R = any>(
    instanceId: string,
    queue: string | QueueDefinition<T, R>,
    ...data: InputThen<NoInfer<T>, [options?: RequestOptions]>
  ): Promise<R>;
  /**
   * Answers a request by the token of its message; the first answer counts. Rejects with INSTANCE_ENDED, where
   * the instance that was asked has ended, and INSTANCE_NOT_FOUND, where it was deleted.
   */
  reply(token: string, value?: unknown): Promise<Settled>;
  /** Answers a request with an error; see `reply`. */
  rejectRequest(token: string, error: unknown): Promise<Settled>;
  /**
   * Asks an instance and its children to end; it then fails with `canceled: <reason>`. Where its code has
   * time to clean up, a CancelledError is thrown where it waits, and what it yields then runs as usual: it
   * ends as it likes, at the latest when the time is over. Where there is no instance, it can only meet a
   * start of the next five seconds. Resolves as raiseEvent. A second call can only leave less time.
   */
  cancelInstance(
    instanceId: string,
    reason?: string | null,
    options?: CancelOptions,
  ): Promise<TargetState>;
  /**
   * Ends an instance at once, always: its code is not asked. It fails with `terminated: <reason>`, the
   * kind `terminated` and, in its history, an `OrchestrationTerminateRequested`; whoever waits gets a
   * TerminatedError. Its children are cancelled. Ids and result as for cancelInstance.
   */
  terminateInstance(instanceId: string, reason?: string | null): Promise<TargetState>;

  /** Reads the state. The output is JSON text, unless `parsed` is asked for. */
  getStatus<T = any>(
    instanceId: string,
    options: ReadOptions & { parsed: true },
  ): Promise<OrchestrationStatus<T>>;
  getStatus(instanceId: string, options?: ReadOptions): Promise<OrchestrationStatus<string>>;
  /** Waits until the instance has ended; a failure is a value. Rejects on timeout. */
  waitForOrchestration<T = any>(
    instanceId: string,
    options?: number | WaitOptions,
  ): Promise<OrchestrationStatus<T>>;
  /** Waits for the output itself; a failure is a rejection. */
  waitForOrchestrationTyped<T = any>(
    instanceId: string,
    options?: number | WaitOptions,
  ): Promise<T>;
  /** Waits until the custom status has changed, or the instance has ended. */
  waitForStatusChange<T = any>(
    instanceId: string,
    lastSeenVersion: number,
    options?: WaitOptions,
  ): Promise<OrchestrationStatus<T>>;
  waitForStatusChange<T = any>(
    instanceId: string,
    lastSeenVersion: number,
    pollIntervalMs?: number,
    timeoutMs?: number,
  ): Promise<OrchestrationStatus<T>>;
  waitForValue(instanceId: string, key: string, options?: number | WaitOptions): Promise<string>;
  getValue(instanceId: string, key: string): Promise<string | null>;
  getKvAllValues(instanceId: string): Promise<Record<string, string>>;

  /**
   * Makes a schedule, or changes the one that is there: the same call again changes nothing. It resolves when
   * that is stored. A schedule needs no process of its own: any runtime on the store runs it, and makes one
   * start of each tick, under the id `<id>:<tick>`. A change is for the ticks after those that are due.
   */
  schedule<TInput = any>(
    id: string,
    options: ScheduleOptions<TInput>,
  ): Promise<'created' | 'updated' | 'unchanged'>;
  listSchedules(options?: ScheduleListOptions): Promise<ScheduleSummary[]>;
  /**
   * From now on nothing is started but by hand and by backfills; ticks of the pause are not made up for. This
   * and what follows resolve when the schedule has done it, and reject with the code TIMEOUT after 30 seconds
   * in which no runtime with schedules was there: it is done later then. The note is shown, and logged.
   */
  pauseSchedule(id: string, note?: string): Promise<void>;
  resumeSchedule(id: string, note?: string): Promise<void>;
  /**
   * Starts a run at once, whatever else runs, and gives its id: `<id>:manual:<n>`. Without an input it has that
   * of the schedule.
   */
  triggerSchedule(id: string, options?: { input?: unknown }): Promise<string>;
  /**
   * Starts the ticks from one moment on and before another that nothing was started for: those before the
   * schedule was made, of pauses, and missed ones; not those that were skipped, nor what is still to come. Runs
   * follow one another, unless they may overlap. Gives the number of ticks, or 10000 if there are more. They are
   * started from then on, also while the schedule is paused.
   */
  backfillSchedule(
    id: string,
    from: Moment,
    to: Moment,
    options?: { overlap?: 'bufferAll' | 'allow' },
  ): Promise<number>;
  /** Rejects with the code INSTANCE_NOT_FOUND where there is none. */
  describeSchedule(id: string): Promise<ScheduleDescription>;
  /**
   * Deletes a schedule. What it has started goes on, unless `cancelRuns` asks for its end: that needs a runtime
   * with schedules, and says with TIMEOUT where there is none. Rejects where there is no schedule.
   */
  deleteSchedule(id: string, options?: { cancelRuns?: boolean }): Promise<void>;

  getSystemMetrics(): Promise<SystemMetrics>;
  getOrchestrationStats(instanceId: string): Promise<SystemStats | null>;
  getQueueDepths(): Promise<QueueDepths>;
  /**
   * Says what an instance is and, while it runs, what it waits for: read from what is stored, so that it is
   * the same for one that is in the memory of some process and for one that is in none. Rejects with the
   * code INSTANCE_NOT_FOUND where there is none. The parts are read one after the other: an instance that
   * moves on meanwhile may show a step twice or not at all.
   */
  describe<TOutput = any>(instanceId: string): Promise<InstanceDescription<TOutput>>;
  /**
   * Gives a page of instances, with what `getInstanceInfo` says of them but for how they ended. `after` is the
   * `next` of the page before, whatever has been deleted since; `next` is null on the last page only. Newest
   * first, instances that are created meanwhile are before the first page. A page looks at no more than a few
   * thousand instances: where few of many fit, it may have fewer than `limit`, or none, though others follow.
   */
  listInstances(options?: InstancesQuery): Promise<InstancesPage>;
  /**
   * Counts instances, and tells how many there are of each status, name, version or kind of failure. It reads
   * all that may fit, bit by bit, while others write: a million take seconds.
   */
  countInstances(
    filter?: InstancesFilter,
    groupBy?: InstanceGrouping | InstanceGrouping[],
  ): Promise<InstanceCounts>;
  /**
   * Tells which runtimes live on the store, and what waits longest; it takes nothing of it. Rejects with the
   * code READ_ONLY on a store that was opened to be read only.
   */
  getHealth(): Promise<Health>;

  /** All instances, newest first, children included. */
  listAllInstances(options?: ListOptions): Promise<string[]>;
  listInstancesByStatus(
    status: ExecutionStatus | (string & {}),
    options?: ListOptions,
  ): Promise<string[]>;
  getInstanceInfo<T = any>(instanceId: string, options?: ReadOptions): Promise<InstanceInfo<T>>;
  getExecutionInfo<T = any>(
    instanceId: string,
    executionId: number,
    options?: ReadOptions,
  ): Promise<ExecutionInfo<T>>;
  listExecutions(instanceId: string): Promise<number[]>;
  readExecutionHistory(instanceId: string, executionId: number): Promise<HistoryEvent[]>;
  /** The instance and all its descendants, each after its parent. */
  /**
   * Gives the whole history of an instance as text, a line of JSON for each event: for looking at it, and
   * for `replay` of `duroxide/testing`. What one release has written, later ones read.
   */
  exportHistory(instanceId: string): Promise<string>;
  /**
   * Gives the histories of all instances that match, newest first, each as `exportHistory` does: written one
   * after another they make a file for `npx duroxide check`. What is deleted meanwhile is left out.
   *
   *     for await (const history of client.exportHistories({ status: 'Running' })) file.write(history)
   */
  exportHistories(filter?: ExportFilter): AsyncGenerator<string, void, undefined>;
  /**
   * Takes in what `exportHistory` gave, under its id or another one at which nobody lives: to look at it, to
   * check or replay code with it, and to fork it. It is `imported: true`, and inert: no runtime goes on with it, it
   * takes no messages (INSTANCE_ENDED), cannot be repaired (CANNOT_REPAIR), is not counted by
   * `versionsInUse`, and is deleted as one that has ended. Its times are those of the import but for its events; a child is
   * imported under another id.
   *
   * Rejects with INVALID_INPUT for what is no exported history or has a line of more than 64 MiB, INSTANCE_EXISTS
   * where somebody lives at the id.
   */
  importHistory(history: string, options?: { instanceId?: string }): Promise<ImportResult>;
  getInstanceTree(instanceId: string): Promise<InstanceTree>;
  /**
   * Counts the instances that have not ended by orchestration and version, with their answers at patches: code
   * of what is not there may go. It looks at all instances of the store.
   */
  versionsInUse(orchestration?: string | RegisteredOrchestration): Promise<VersionInUse[]>;
  /**
   * Says which version starts of an orchestration take that ask for none, wherever they come from: clients,
   * children, detached starts, schedules. Without it, and after `null`, they take the highest one that is
   * registered where they are taken. It is kept in the store; other processes go by it within a second. What
   * was started before stays with what it has; `continueAsNew` takes the higher of its own version and the
   * default, so that it never goes back. A start waits where no runtime has the version.
   *
   * With `percent`, so many of the ids take it, always the same ones, and the rest the default before. Rejects
   * with INVALID_INPUT where there was none.
   */
  setDefaultVersion(
    orchestration: string | RegisteredOrchestration,
    version: string | null,
    options?: DefaultVersionOptions,
  ): Promise<void>;
  /** What `setDefaultVersion` has said, by name. */
  getDefaultVersions(): Promise<DefaultVersion[]>;

  /**
   * Takes a failed instance up again, under the same id and with the code of today: its end is taken back,
   * and the failures that led to it (of the activities and children that its last step waited for), or the
   * cancellation, or the divergence. What it waits for is brought about again: activities run, timers keep
   * their due time, children that have failed are retried too, the results of others come. A held instance
   * goes on with whatever code there is. Resolves when it is committed, as one; not when it has run.
   *
   * Rejects with WOULD_UNDO, and `details` of the type WouldUndoDetails, where code has gone on since the
   * failure; with CANNOT_REPAIR where it has completed or still runs, where its parent has failed because
   * of it and `parents` is not given, or where its parent knows of the failure and goes on. Called twice
   * at once, one of the calls finds it failed.
   */
  retryInstance(instanceId: string, options?: RetryOptions): Promise<RepairResult>;
  /**
   * Retries all instances that a filter selects, one after the other, each as `retryInstance` does; those
   * that it refuses are listed. An error ends the call; what was repaired before stays repaired, and to
   * call it again goes on.
   */
  retryInstances(filter: RetryFilter, options?: RepairOptions): Promise<BulkRepairResult>;
  /**
   * Takes an instance back to an event of an execution that is still stored, whether it runs, is held, or has ended:
   * everything after the event is forgotten, and it goes on from there with the code of today. Values and
   * custom status are those of the event (`customStatusVersion` goes up). What it waited for then it waits
   * for again: activities run again, timers keep their due time, children go on as for `retryInstance`.
   * Signals, queue messages and what promises got since lie in front of newer ones, in order; a promise that
   * is made once more can be settled once more. Children that were started since are cancelled; detached
   * instances stay. Resolves when it is committed, as one.
   *
   * Rejects with WOULD_UNDO, and `details` of the type WouldUndoDetails, where its code has done anything
   * since and `acceptUndo` is not given; with CANNOT_REPAIR where the execution is not stored any more or
   * more than 1,000 executions ago, where the instance has ended and its parent knows, where a child has been
   * started since under a chosen id, or by an execution that would go; with INVALID_INPUT without such an event.
   */
  rewindInstance(instanceId: string, options: RewindOptions): Promise<RepairResult>;
  /** Rewinds all instances that a filter selects, as `retryInstances` retries them. */
  rewindInstances(filter: RetryFilter, options: BulkRewindOptions): Promise<BulkRepairResult>;
  /**
   * Makes another instance that has lived through what one has up to an event, and goes on from there; the
   * original stays as it is. The fork is a root with a life of its own: activities and children that were open
   * run for it too, with other ids and idempotency keys, and its timers have the same due times; messages that
   * were not taken, and detached instances, are not its. Promises that are open have other tokens.
   *
   * Rejects with INSTANCE_EXISTS where somebody has the new id; with CANNOT_REPAIR where a child is open whose
   * id code has chosen, or what it needs is not stored any more; with INVALID_INPUT where there is no such event.
   */
  forkInstance(
    instanceId: string,
    newInstanceId: string,
    options?: ForkOptions,
  ): Promise<RepairResult>;
  /** Deletes a root instance with its children; a running one only if forced. */
  deleteInstance(instanceId: string, force?: boolean): Promise<DeleteResult>;
  /** Deletes ended root instances that match every condition. */
  deleteInstanceBulk(filter?: InstanceFilter): Promise<DeleteResult>;
  /**
   * Gives what retention would delete now, under the policy of the runtimes or another one. It reads all
   * instances that are old enough.
   */
  previewRetention(policy?: RetentionOptions): Promise<RetentionPreview>;
  /** Deletes old executions of an instance, never the current one. */
  pruneExecutions(instanceId: string, options?: PruneOptions): Promise<PruneResult>;
  pruneExecutionsBulk(filter?: InstanceFilter, options?: PruneOptions): Promise<PruneResult>;
}

export type TagFilter =
  | 'defaultOnly'
  | 'any'
  | 'none'
  | { tags: string[] }
  | { defaultAnd: string[] };

export type LogLevel = 'off' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
/** `'pretty'` and `'compact'` give one line of text for each record, `'json'` an object. */
export type LogFormat = 'json' | 'pretty' | 'compact';

/** A logger like that of pino: fields first, then the message. */
export interface Logger {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  /** Without it, `info` takes these. */
  debug?(fields: object, message: string): void;
  trace?(fields: object, message: string): void;
}

export interface RuntimeOptions {
  /** Turns at a time, by default one for each CPU and at least 2; 0 runs no orchestrations here. */
  orchestrationConcurrency?: number;
  /** Activities at a time, 64 by default; 0 runs no activities here. */
  workerConcurrency?: number;
  /** 100 by default. Work is announced; polls are a safety net. */
  dispatcherPollIntervalMs?: number;
  /** The lease on a running activity, 30000 by default, at least 100. */
  workerLockTimeoutMs?: number;
  /**
   * How long this JavaScript thread may be blocked before what it has not begun is given to other
   * processes: 2000 by default, at least 100. What has begun goes on, and is never run twice for it.
   */
  hostTimeoutMs?: number;
  /**
   * How long one step of an orchestration, the code from one `yield` to the next, may hold the thread
   * before it counts as a failed attempt: 30000 by default, at least 100. After ten attempts that ended
   * with their process it fails as poison, and nothing beside it.
   */
  orchestrationDeadlineMs?: number;
  /**
   * How long an activity may wait for a process that has registered it before it fails, where it is
   * awaited. By default 300000 for a name that no process has ever registered on this store, and for ever
   * for the others; a number here is for all that this process has not registered.
   */
  unregisteredActivityTimeoutMs?: number;
  /**
   * How long an instance that has something to do may wait for a process that has registered its
   * orchestration, in the version that it needs, before this runtime fails it (kind `'application'`; a
   * parent can catch it). By default it waits as long as it takes, and a warning names it. It counts from when
   * there was something to do, so it should be longer than a deployment. A runtime that lives and has the code
   * is waited for, however busy it is.
   */
  unregisteredOrchestrationTimeoutMs?: number;
  /** 10 by default. */
  maxSessionsPerRuntime?: number;
  /** 300000 by default. */
  sessionIdleTimeoutMs?: number;
  /** Names the owner of sessions, across restarts. */
  workerNodeId?: string;
  /** Which activities run here: those without a tag by default. */
  workerTagFilter?: TagFilter;
  /** `'pretty'` by default. The first runtime of a process decides. */
  logFormat?: LogFormat;
  /**
   * What traces of user code show, `'info'` by default. The engine's own records show warnings, and
   * no more than traces do. The environment variables DUROXIDE_LOG and RUST_LOG replace it.
   */
  logLevel?: LogLevel;
  /**
   * Takes the records of this runtime, and of no other, instead of stderr; and those of the store that
   * belong to no runtime. One that throws, or whose promise rejects, is named in a warning of the
   * process, once.
   */
  logger?: Logger;
  /** Stands in JSON lines and in the fields for a logger; `'duroxide'` by default. */
  serviceName?: string;
  serviceVersion?: string;
  /**
   * Of what code gives away, `'warn'` by default. An orchestration is as strict as it was when its execution
   * began. A refused result is a failure of the activity that no retry policy tries again.
   */
  strictValues?: StrictValues;
  /**
   * What becomes of an instance whose history does not fit the code: `'fail'`, the default, ends it with a
   * failure of the kind `nondeterminism`; `'hold'` keeps all of it as it is until other code takes it, or
   * `client.retryInstance` is called. The runtime that meets it decides.
   */
  onNondeterminism?: 'hold' | 'fail';
  /**
   * Names this code: what is held for it is not given to it again, and to any other. One line of at most
   * 256 bytes; `serviceVersion` by default, else a hash of the text of the registered functions, which does
   * not see what these call.
   */
  codeId?: string;
  /**
   * What happens where a step of an orchestration calls `Date.now`, `new Date()`, `Math.random`, a timer,
   * `fetch` or `crypto.randomUUID`: `'throw'` throws an error that names the line and what to use instead,
   * `'warn'` says so in a warning of the process, once for each place; `'off'` is the default.
   */
  determinismGuard?: 'throw' | 'warn' | 'off';
  /**
   * `true` makes an instance fail whose code, when it is replayed, gives other inputs, values, statuses, tags
   * or sessions than its history says, or ends earlier. `false`, the default, lets that pass, with a warning
   * in the log for each such replay: what the code does must be the same, in the same order, under the same
   * names. Executions that began with releases before 0.2.0 always compare inputs, values, tags and sessions.
   */
  strictReplay?: boolean;
  /** Whether schedules may run here: true by default. They need a slot for turns, and none for activities. */
  schedules?: boolean;
  /**
   * What of ended instances is kept. Without it, as by default, this runtime deletes nothing, and asks for
   * nothing to be kept.
   */
  retention?: RetentionOptions;
  /** For tests: drops instances from memory at random after turns. Only the speed may change. */
  evictAfterTurn?: boolean;
  /** For tests: drops instances from memory after every turn, so that each turn replays. */
  evictEveryTurn?: boolean;
}

/** How long something is kept. A time counts from the end of an instance; without one it is kept for ever. */
export interface RetentionRule {
  completed?: Duration;
  failed?: Duration;
  /** Of each instance the newest so many, the current one included; running ones have them pruned, too. */
  executions?: number;
}

/**
 * What of ended instances is kept. One runtime at a time deletes the rest, in small steps that take a hundredth
 * of the time, root instances with their children: never what runs, is held or cleans up, nor what has a child
 * that does. All living runtimes with this option count: where they differ, the longest time and the largest
 * number do, with a warning. An id whose instance was deleted may be started again.
 */
export interface RetentionOptions extends RetentionRule {
  /** How many ended root instances there are at most: those created first go. */
  maxInstances?: number;
  /** By the name of an orchestration; what such a rule leaves out is as for all. */
  orchestrations?: Record<string, RetentionRule>;
  /**
   * Is given the history of each instance before it is deleted, as `exportHistory` gives it, and perhaps more
   * than once. Where it throws or rejects, the instance and its tree stay until a later pass.
   */
  archive?: (history: string, instance: { instanceId: string; rootId: string }) => unknown;
}

/** What retention would delete now, and what it has deleted. */
export interface RetentionPreview {
  /** Times in milliseconds; null where no runtime has asked for retention. */
  policy: object | null;
  /** How many root instances go. Of these, the ones with a child that still runs will stay. */
  instances: number;
  groups: { name: string; status: 'Completed' | 'Failed'; instances: number; oldestAt: number }[];
  /** By all passes so far; null before the first. */
  deleted: { instances: number; executions: number } | null;
  /** When the last whole pass began. */
  lastPassAt: number | null;
}

/** An attempt at an activity, as interceptors see it. */
export interface ActivityCall {
  readonly context: ActivityContext;
  readonly input: any;
}

/** A run of orchestration code from one `yield` to the next, as interceptors see it. */
export interface StepCall {
  readonly instanceId: string;
  readonly executionId: number;
  readonly orchestrationName: string;
  readonly orchestrationVersion: string;
  /** What travels with the instance: what its start was given, or that of the parent. */
  readonly headers: Headers;
  readonly isReplaying: boolean;
}

/** Functions around what a runtime calls: for tracing, for AsyncLocalStorage, to refuse work. */
export interface RuntimeInterceptor {
  /**
   * Is around each attempt. `next` runs it, and gives its result, which stays what it is, as does its failure.
   * Else what this throws is the failure of the attempt; not to call `next` is one, too.
   */
  activity?(call: ActivityCall, next: () => Promise<any>): unknown;
  /**
   * Is around each synchronous run of orchestration code, replays included. It only watches: it can change
   * neither what code yields nor what it throws, and is warned of once where it does not call `next`,
   * throws something else, or is asynchronous.
   */
  step?(call: StepCall, next: () => void): void;
  /**
   * Is told once of each execution that has ended here, after its end was committed, whatever the reason and
   * never again at a replay. A process that dies in between tells nobody. Nothing waits for it.
   */
  ended?(execution: EndedExecution): unknown;
}

/** An execution that has ended. Times are milliseconds since 1970, and those of the history. */
export interface EndedExecution {
  readonly instanceId: string;
  readonly executionId: number;
  readonly orchestrationName: string;
  readonly orchestrationVersion: string;
  readonly parentInstanceId?: string;
  readonly parentExecutionId?: number;
  readonly status: 'Completed' | 'Failed' | 'ContinuedAsNew';
  /** The text of the failure, and its kind; only when failed. */
  readonly error?: string;
  readonly kind?: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** When it was last retried or rewound: perhaps its end was told before. */
  readonly repairedAt?: number;
  readonly headers: Headers;
}

/** A call of a client, as interceptors see it. */
export interface ClientOperation {
  /** The method; what a handle does has the name of the client's method that does it. */
  readonly method: string;
  readonly instanceId?: string;
  /** Of the orchestration, event, queue or key. */
  readonly name?: string;
  /** Of a start: what is to travel with the instance, to be added to before `next` is called. */
  readonly headers?: Record<string, string>;
}

export interface ClientInterceptor {
  /** Is around each request to the store. `next` makes it. What this throws is thrown to the caller. */
  call(operation: ClientOperation, next: () => Promise<void>): unknown;
}

/** What this runtime has done since it started. */
export interface MetricsSnapshot {
  orchStarts: number;
  orchCompletions: number;
  orchFailures: number;
  orchApplicationErrors: number;
  orchInfrastructureErrors: number;
  orchConfigurationErrors: number;
  orchPoison: number;
  activitySuccess: number;
  activityAppErrors: number;
  activityInfraErrors: number;
  activityConfigErrors: number;
  activityPoison: number;
  orchDispatcherItemsFetched: number;
  workerDispatcherItemsFetched: number;
  orchContinueAsNew: number;
  suborchestrationCalls: number;
  providerErrors: number;
}

/** One thing that `measure` tells. Names have dots; the unit, `s` or `By`, is not in them. */
export interface Measure {
  readonly name: string;
  /** Counters count since the start, of the runtime or of the store's opening. */
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly unit?: 's' | 'By';
  readonly help: string;
  readonly points: readonly {
    readonly labels: Readonly<Record<string, string>>;
    /** Of a histogram the sum. */
    readonly value: number;
    readonly count?: number;
    readonly buckets?: readonly number[];
  }[];
}

/** Hosts orchestrations and activities. It is started once. */
export class Runtime {
  constructor(provider: Provider, options?: RuntimeOptions | null);
  /** Gives the activity, to be used in place of its name. Options are for orchestrations of this runtime. */
  registerActivity<TInput = any, TOutput = any>(
    name: string,
    fn: Activity<TInput, TOutput>,
    options?: ActivityOptions,
  ): RegisteredActivity<TInput, TOutput>;
  registerActivityTyped<TInput = any, TOutput = any>(
    name: string,
    fn: Activity<TInput, TOutput>,
    options?: ActivityOptions,
  ): RegisteredActivity<TInput, TOutput>;
  /** Registers version 1.0.0. */
  registerOrchestration<TInput = any, TOutput = any>(
    name: string,
    fn: Orchestration<TInput, TOutput>,
    options?: EndOptions,
  ): RegisteredOrchestration<TInput, TOutput>;
  registerOrchestrationTyped<TInput = any, TOutput = any>(
    name: string,
    fn: Orchestration<TInput, TOutput>,
    options?: EndOptions,
  ): RegisteredOrchestration<TInput, TOutput>;
  /** Registers a semantic version; those of one name come in increasing order. */
  registerOrchestrationVersioned<TInput = any, TOutput = any>(
    name: string,
    version: string,
    fn: Orchestration<TInput, TOutput>,
    options?: VersionOptions,
  ): RegisteredOrchestration<TInput, TOutput>;
  registerOrchestrationVersionedTyped<TInput = any, TOutput = any>(
    name: string,
    version: string,
    fn: Orchestration<TInput, TOutput>,
    options?: VersionOptions,
  ): RegisteredOrchestration<TInput, TOutput>;
  /**
   * Registers code that was made with definitions, and whole modules of it. Versions of one name may come
   * in any order, and what was registered already is not registered again.
   */
  register(...code: Registrable[]): void;
  /**
   * Declares a schedule beside the code, before the start: each start makes it so, as Client.schedule does. One
   * that an earlier start of the same `serviceName` has declared, and this one does not, goes on, and is shown
   * with `declared.isCurrent` false; unless this one declares none at all.
   */
  schedule<TInput = any>(id: string, options: ScheduleOptions<TInput>): void;
  /** Puts functions around activities and steps of code; the first ones are outermost. Before the start. */
  use(interceptor: RuntimeInterceptor): void;
  /** Starts to work, and keeps the process alive until shutdown. */
  start(): Promise<void>;
  /** Takes no more work, and lets what runs finish for up to `timeoutMs`, 1000 by default. */
  shutdown(timeoutMs?: number): Promise<void>;
  /** Null before the start and after the shutdown. */
  /**
   * For a readiness probe: ready from the end of `start()` to the beginning of `shutdown()`, as long as the
   * store answers within five seconds. Never rejects: `reason` says why it is not. `load` is how busy it is,
   * all zero where it is not ready. That this resolves at all shows that the thread is not blocked.
   */
  health(): Promise<RuntimeHealth>;
  metricsSnapshot(): MetricsSnapshot | null;
  /**
   * Tells of this runtime and of its store: docs/observing.md lists the names. It asks the store, so call it
   * every few seconds at most. Rejects with the code SHUTDOWN while the runtime does not run.
   */
  measure(): Promise<Measure[]>;
  /** Gives the same in the text format of Prometheus, of the type `text/plain; version=0.0.4`. */
  prometheus(): Promise<string>;
}

/** Sends log lines to a file. It throws if the file cannot be opened or lines go somewhere else. */
export function initTracing(options: {
  logFile: string;
  logLevel?: LogLevel;
  /** `'compact'` by default. */
  logFormat?: LogFormat;
}): void;

/**
 * The base of the package's errors. Codes are the contract, classes the comfort: `code` is stable,
 * and docs/user-guide.md says what each means. Wrong arguments are a TypeError or RangeError instead.
 */
export class DuroxideError extends Error {
  constructor(
    message: string,
    options?: { code?: string; cause?: unknown; details?: object | null },
  );
  code: string;
  /** What else is known: for errors of a store `operation` and `retryable`. */
  details?: object;
  /** Of errors that stand for the failure of an activity or orchestration: what it was. */
  readonly failure?: Failure;
}
/**
 * An activity failed: `ACTIVITY_FAILED`. `cause` is what it threw, made again: with its name, message,
 * stack, `code`, other data of its own, and causes.
 */
export class ActivityError extends DuroxideError {}
/** A child, or what a client waited for, failed: `ORCHESTRATION_FAILED`. */
export class OrchestrationError extends DuroxideError {}
/** An orchestration was cancelled, or the result of an activity is not wanted: `CANCELLED`. */
export class CancelledError extends DuroxideError {}
/** An orchestration was terminated: ended without asking its code, `TERMINATED`. */
export class TerminatedError extends CancelledError {}
/** What somebody outside has rejected, such as a promise: `REJECTED`. `failure` says with what. */
export class RejectedError extends DuroxideError {}
/** What was waited for did not happen in time: `TIMEOUT`. */
export class TimeoutError extends DuroxideError {}
/**
 * For activities to throw: what it says will not change, so that no policy tries again:
 * `NON_RETRYABLE`. Whoever catches the ActivityError finds `details` in `error.failure.details`.
 */
export class NonRetryableError extends DuroxideError {}
/** For activities to throw: it says how long the pause before the next attempt is: `RETRYABLE`. */
export class RetryableError extends DuroxideError {
  constructor(
    message: string,
    options?: {
      code?: string;
      cause?: unknown;
      details?: object | null;
      /** In place of the pause of the policy, in milliseconds. */
      retryAfterMs?: number;
    },
  );
  retryAfterMs?: number;
}
/** Orchestration code did not repeat what its history says: `NONDETERMINISM`. */
export class NondeterminismError extends DuroxideError {}
/**
 * The store refused or failed: `STORAGE`, `CANNOT_OPEN`, `CLOSED`, `CORRUPT`, `SCHEMA`, `READ_ONLY`,
 * `DISK_FULL` or `STORE_REPLACED`.
 */
export class ProviderError extends DuroxideError {}
