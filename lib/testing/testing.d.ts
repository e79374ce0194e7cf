/**
 * A test kit: the real engine on a store in memory, whose time the test moves. What takes thirty days
 * takes milliseconds.
 */

import type {
  Activity,
  Client,
  Duration,
  EventDefinition,
  Orchestration,
  OrchestrationHandle,
  OrchestrationStatus,
  QueueDefinition,
  RegisteredActivity,
  RegisteredOrchestration,
  Registrable,
  RuntimeOptions,
} from '../../index';

/**
 * What goes wrong in a test:
 *
 * - `'replay'`: instances leave memory after every turn. Code that does not repeat itself is found at once.
 * - `'crash'`: as if the process ended, after an activity has done its work and before that is stored,
 *   and between steps. Activities run again.
 * - `'duplicate'`: attempts of activities run twice, side by side, and the first outcome counts.
 * - `'reorder'`: outcomes of activities come in any order.
 *
 * What happens follows from the seed.
 */
export type Chaos = 'replay' | 'crash' | 'duplicate' | 'reorder';

export interface TestEnvironmentOptions {
  /** What `Runtime.register` takes: code, modules that export it, functions of the runtime. */
  register?: Registrable | Registrable[];
  /** Orchestrations by name. */
  orchestrations?: Record<string, Orchestration<any, any>>;
  /** Activities by name. */
  activities?: Record<string, Activity<any, any>>;
  /** The time at which the environment begins; now by default. */
  startTime?: Date | string | number;
  /** A whole number from which the chaos follows; a random one by default. */
  seed?: number;
  chaos?: Chaos | Chaos[];
  /** How long, in real time, nothing may move before a wait rejects: 5 s by default. */
  patienceMs?: Duration;
  /** Options of the runtime. */
  runtime?: RuntimeOptions;
}

/** One call of an activity. */
export interface ActivityCall<TInput = any> {
  readonly input: TInput;
  /** 1 for the first attempt to run this schedule. */
  readonly attempt: number;
  readonly instanceId: string;
  readonly executionId: number;
  /** When, by the time of the environment. */
  readonly at: Date;
}

/** What a test says about one activity, and what it has seen of it. */
export interface ActivityControl<TInput = any, TOutput = any> {
  readonly name: string;
  /** All calls so far, the first one first. */
  readonly calls: ActivityCall<TInput>[];
  /** A function stands in for the code. `takes` is how long, by the time of the environment. */
  mock(fn: Activity<TInput, TOutput>, options?: { takes?: Duration }): this;
  /** The next call fails. Several of them make as many calls fail. */
  failOnce(error?: Error | string): this;
  /** Calls do not end, until their results are no longer wanted. */
  hang(): this;
  /** Takes back what stands in for the code. */
  restore(): this;
}

export interface TestStartOptions {
  /** The id of the instance: its name and a number by default. */
  id?: string;
  /** The version to run; the latest by default. */
  version?: string;
}

/** The input, which may be left out if it may be undefined, and what comes after it. */
type InputThen<TInput, TRest extends unknown[]> = undefined extends TInput
  ? [input?: TInput, ...rest: TRest]
  : [input: TInput, ...rest: TRest];

/** What an instance may be waited for. All that is given must hold. */
export interface Condition {
  /** It waits for this event. */
  event?: string | EventDefinition<any>;
  /** It waits for a message of this queue. */
  queue?: string | QueueDefinition<any>;
  /** It waits for this activity. */
  activity?: string | RegisteredActivity<any, any>;
  /** It waits for a child of this orchestration. */
  orchestration?: string | RegisteredOrchestration<any, any>;
  status?: 'Running' | 'Completed' | 'Failed';
  customStatus?: string;
  /** It has set the value of this key. */
  value?: string;
}

/** A handle as the client's, whose waits make the time jump. */
export interface TestHandle<TOutput = any> extends OrchestrationHandle<TOutput> {
  /** Waits for the end. Rejects if the instance fails. */
  result(): Promise<TOutput>;
  /**
   * Waits until something holds, and gives the status then. Rejects if the instance ends before that.
   */
  waitUntil(
    condition: Condition | ((status: OrchestrationStatus<TOutput>) => unknown),
  ): Promise<OrchestrationStatus<TOutput>>;
}

/**
 * The time stands still, but while the test waits: `result`, `waitUntil`, `idle`, `advance`. Then it
 * jumps to what is due next, whenever nothing is under way and no activity takes native time.
 */
export interface TestEnvironment extends AsyncDisposable {
  /** A client of the store. Its own waits go by real time, and do not make the time jump. */
  readonly client: Client;
  readonly seed: number;
  /** The time of the environment. */
  now(): Date;
  /**
   * Starts an instance. Its id is the name and a number unless one is given. The first start starts
   * the runtime.
   */
  start<TInput = any, TOutput = any>(
    orchestration: string | RegisteredOrchestration<TInput, TOutput>,
    ...input: InputThen<NoInfer<TInput>, [options?: TestStartOptions]>
  ): Promise<TestHandle<TOutput>>;
  /** Gives the handle of an instance, such as a child. */
  handle<TOutput = any>(
    orchestration: string | RegisteredOrchestration<any, TOutput>,
    instanceId: string,
  ): TestHandle<TOutput>;
  activity<TInput = any, TOutput = any>(
    activity: string | RegisteredActivity<TInput, TOutput>,
  ): ActivityControl<TInput, TOutput>;
  /** Moves the time on. What becomes due on the way happens at its time. */
  advance(by: Duration): Promise<void>;
  /** Moves the time on to a moment. It never goes back. */
  advanceTo(to: Date | string | number): Promise<void>;
  /** Ends the runtime as the end of its process would, moves the time on, and starts another one. */
  offline(by: Duration): Promise<void>;
  /** Waits until nothing runs and nothing is due any more, while the time jumps. */
  idle(): Promise<void>;
  /** Waits until a function gives something true, while the time jumps. */
  waitUntil(holds: () => unknown): Promise<void>;
  /** Ends everything. Nothing is left behind. */
  close(): Promise<void>;
}

export function createTestEnvironment(options?: TestEnvironmentOptions): Promise<TestEnvironment>;

/** That code fits a history, or where it does not. */
export type ReplayResult =
  | {
      readonly ok: true;
      /** With `strict: false`: what a strict replay refuses, at most 16 of each execution. */
      readonly differences?: ReplayDifference[];
    }
  | (ReplayDifference & { readonly ok: false });

/** Where code and a history differ. */
export interface ReplayDifference {
  /** The execution, and its orchestration and version. */
  readonly executionId: number;
  readonly orchestrationName: string;
  readonly orchestrationVersion: string;
  /** The recorded event in question. */
  readonly eventId: number;
  /** The number of the step of the code, 0 for the first; -1 where none is to blame. */
  readonly step: number;
  /** What the code asked for, and what was recorded in its place. */
  readonly asked: string;
  readonly recorded: string;
  /** Where in the code that was asked for; empty where it is not known. */
  readonly location: string;
  /** All of it in words. */
  readonly message: string;
}

export interface ReplayOptions {
  /**
   * Whether other inputs, values, statuses, tags and sessions are a difference that counts; true by
   * default. A runtime without `strictReplay` lets them pass.
   */
  strict?: boolean;
}

/**
 * Runs code over a history that `Client.exportHistory` gave, through the real engine, without a store and
 * without any effect. Code also diverges where it returns or throws earlier than the recorded execution, or
 * ends in another way. A generator function stands for all orchestrations of the history; otherwise the
 * code is what `Runtime.register` takes.
 */
export function replay(
  history: string,
  code: Orchestration<any, any>,
  options?: ReplayOptions,
): Promise<ReplayResult>;
export function replay(
  history: string,
  code: Registrable | Registrable[],
  options?: ReplayOptions,
): Promise<ReplayResult>;
