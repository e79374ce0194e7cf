/**
 * What lib/native.js exports, the addon's functions, and the messages that cross the border. Mirrors bridge/message.go and
 * native/addon.cc; docs/protocol.md says how they are written.
 */

/** The shim. */
export interface Addon {
  /** The version that the shim was built with. */
  readonly version: string;
  /** Loads the engine from an absolute path and gives its version. */
  load(path: string): string;
  /** Gives every asynchronous signal handler SA_ONSTACK. */
  repairSignals(): void;
  /** Tells V8 of that many more bytes, or fewer, which objects hold outside of its heap. */
  adjustMemory(bytes: number): void;
  /** onWake is called when the first record waits; words is the memory of lib/words.js. */
  Host: new (
    onWake: () => void,
    words: Int32Array,
  ) => Host;
}

/** One host: a Node environment as the engine knows it. */
export interface Host {
  /** Closes the host. Closing twice is harmless. */
  close(): void;
  /**
   * Hands the frame in `out` to the engine and, if `most` is above zero, fetches a frame of at most
   * that many records into `incoming`. Gives its length; zero if nothing waits (the engine will
   * wake); -1 if the host is gone; -2 after a fault; below that, the capacity that the next record
   * needs, negated.
   */
  exchange(out: Uint8Array, outLength: number, incoming: Uint8Array, most: number): number;
  /** A synchronous call that gives a number, -1 for gone. */
  call(operation: number, token: number, number: number, text: string): number;
  /** A synchronous call that gives a text, null for gone. */
  ask(operation: number, token: number, number: number, text: string): string | null;
  /** Whether the host keeps the event loop alive. */
  hold(on: boolean): void;
  /** Why the engine serves no more, if it is a process that has ended by itself. */
  whyEnded?(): Error | null;
}

/** Opens a host; loads the addon and the engine before that if nobody has. */
export function open(onWake: () => void, words: Int32Array): Host;
/** Gives every asynchronous signal handler of the process what Go needs. */
export function repairSignals(): void;
/** Tells V8 of memory that objects hold in the library; an engine of its own process holds its own. */
export function adjustMemory(bytes: number): void;

/** The methods of Buffer that are not declared, and are the fastest. */
export interface RawBuffer extends Uint8Array {
  utf8Write(text: string, offset: number, length: number): number;
  utf8Slice(start: number, end: number): string;
  latin1Slice(start: number, end: number): string;
}

/** The answer to an earlier action. */
export interface Delivery {
  token: number;
  ok: boolean;
  /** An attempt has failed: the code is to say whether there is another one. */
  asks: boolean;
  /** JSON text, or the failure's text. */
  value: string;
  /** The failure's JSON object, or ''. */
  details: string;
  /** The recorded time of the step that takes it. */
  timeMs: number;
}

/** What a generator is made of. */
export interface Opening {
  instance: string;
  /** Who lives at the id of the instance. */
  life: string;
  execution: number;
  name: string;
  version: string;
  input: string;
  customStatus: string | null;
  /** What the schedule that has started the instance says of that, as JSON. */
  schedule: string | null;
  /** JSON text of what travels with the instance, or ''. */
  headers: string;
  /** Whether the execution began before names had a limit. */
  longNames: boolean;
  /** Whether values that lose something as JSON are refused: fixed at the start of the execution. */
  strictValues: boolean;
  /** The number of the rules that the execution began under; see lib/orchestration/rules.js. */
  rules: number;
  /** The recorded time of the start. */
  startedMs: number;
  /** Key, value and time of the last change of each entry of the key-value store, in key order. */
  values: [string, string, number][];
  /** The recorded answers about patches, by name. */
  patches: Map<string, boolean>;
}

/** Run a generator until every path is blocked. */
export interface RunRecord {
  token: number;
  runtime: number;
  /** The number of its word; see lib/words.js. */
  word: number;
  resident: number;
  /** Traces of that many leading steps were already shown. */
  replaySteps: number;
  /** Whether to tell where each action was asked for. */
  locate: boolean;
  /** Set where the generator must be made first. */
  open: Opening | null;
  deliveries: Delivery[];
}

/** Forget a generator. */
export interface DropRecord {
  runtime: number;
  resident: number;
}

/** Run one attempt of an activity. */
export interface ActivityRecord {
  token: number;
  runtime: number;
  /** The number of its word; see lib/words.js. */
  word: number;
  instance: string;
  execution: number;
  orchestration: string;
  version: string;
  activity: string;
  /** Event id of the scheduling event. */
  id: number;
  /** Who lives at the instance: 128 bits. */
  life: number[];
  /** Of an inline activity: the living generator that has its closure; else 0. */
  resident: number;
  /** The token of the action that asked for it; else 0. */
  action: number;
  input: string;
  workerId: string;
  session: string | null;
  tag: string | null;
  /** JSON text of what travels with the instance, or ''. */
  headers: string;
  /** 1 for the first. */
  attempt: number;
  /** How many attempts have failed before; 0 where there is no policy. */
  failed: number;
  /** The policy as JSON text; see lib/policy.js. */
  policy: string | null;
  /** What the attempt before has failed with: history.Told as JSON text. */
  last: string | null;
  /** What an attempt before has last said of itself, as JSON text. */
  heartbeat: string | null;
  /** Of an inline activity with a policy; see lib/activity-code.js. */
  inline?: InlineAttempt;
}

/** An attempt of an inline activity, which no task remembers. */
export interface InlineAttempt {
  /** How many attempts were made before. */
  before: number;
  limits: { timeoutMs?: number; heartbeatMs?: number; retryTimeouts: boolean };
  isLast: boolean;
  /** What the attempt before has failed with. */
  cause: Error | undefined;
  /** What the attempts before leave to it: the event id of the first, and what they have last said. */
  left?: Left;
}

/** What an attempt of an inline activity leaves to the next one. */
export interface Left {
  id: number;
  heartbeat: string | null;
}

/** The result of an activity is no longer wanted. */
export interface CancelRecord {
  token: number;
  runtime: number;
  reason: string;
  /** Nobody waits for the activity any more: its slot is free. */
  abandoned: boolean;
}

/** A log line for the runtime's logger object. */
export interface LogRecord {
  runtime: number;
  level: string;
  message: string;
  fields: Record<string, unknown>;
}

/** An execution has ended, and its end is committed. */
export interface EndedRecord {
  runtime: number;
  /** The JSON text of what interceptors are told, whose headers are JSON text, or ''. */
  about: string;
}

/** The end of a request. */
export type Settlement =
  | { ok: true; value: any; payload: string | null }
  | { ok: false; code: string; message: string; details: object | null };

/** One thing that code asked for. The kinds are those of engine/replay/action.go. */
export interface Action {
  kind: number;
  token?: number;
  name?: string | null;
  input?: string | null;
  value?: string | null;
  version?: string | null;
  instance?: string | null;
  session?: string | null;
  tag?: string | null;
  delayMs?: number;
  /** Where in the user's file it was asked for; only where the run was to tell. */
  location?: string | null;
}

/** How a generator ended. */
export type Outcome =
  | { ok: true; output: string }
  /** `isStop`: it is the cancellation itself that was thrown. */
  | { ok: false; message: string; details: string | null; isStop?: boolean };

/** What a run produced; outcome is null while the generator lives. */
export interface RunAnswer {
  steps: Action[][];
  outcome: Outcome | null;
  /** Whether the actions have locations. */
  located?: boolean;
}

/**
 * tookUs is how long the function ran; returned means that no slot came free for it soon, or that its closure is
 * not there. With `next` the policy
 * has another attempt, or, where it `asks`, code decides about that.
 */
export type ActivityAnswer =
  | { ok: true; value: string; tookUs?: number }
  | {
      ok: false;
      message: string;
      details: string | null;
      tookUs?: number;
      next?: { pauseMs: number; asks: boolean } | null;
    }
  | { returned: true };

/** The engine took an activity back before it had begun: nobody waits for an answer. */
export interface TakenBack {
  takenBack: true;
}

/** What a runtime registers to be called with. */
export interface Handlers {
  run(record: RunRecord): RunAnswer;
  drop(record: DropRecord): void;
  activity(
    record: ActivityRecord,
  ): Promise<ActivityAnswer | TakenBack> | ActivityAnswer | TakenBack;
  cancel(record: CancelRecord): void;
  /** Only of a runtime that asked to be told of ends. */
  ended?(about: string): void;
  /** Only of a runtime that asked for log records. */
  log?(record: LogRecord): void;
}

/** Options of the process's log sink. */
export interface LogOptions {
  /** A file to append to; null means stderr. */
  path: string | null;
  /** The text of DUROXIDE_LOG or RUST_LOG; null where neither is set. */
  filter: string | null;
  level: string;
  format: string;
  colors: boolean;
  serviceName: string;
  serviceVersion: string;
  /** The number of the logger object that takes the records of the runtime; zero for none. */
  logger: number;
}

/** What lib/channel.js exports. */
export interface ChannelApi {
  /** The holder is kept from the garbage collector until the answer; a signal gives a wait up. */
  request(
    name: string,
    args: object,
    payload?: string | null,
    holder?: object,
    signal?: AbortSignal,
  ): Promise<{ value: any; payload: string | null }>;
  /** The number of requests to a store that are not answered. */
  pending(store: number): number;
  /** Gives a number for a new runtime, unique in this environment. */
  nextRuntime(): number;
  registerRuntime(runtime: number, handlers: Handlers): void;
  unregisterRuntime(runtime: number): void;
  /** Keeps the event loop alive until as many releases. */
  hold(): void;
  release(): void;
  /** Logs a message of user code; level is 0 debug, 1 info, 2 warn, 3 error. */
  /** `fields` is the JSON text of a flat object, or null. */
  trace(token: number, step: number, level: number, message: string, fields: string | null): void;
  isCancelled(token: number): boolean;
  /** Takes what an attempt says of itself, as JSON text. */
  heartbeat(token: number, details: string): void;
  /** Says that the code of a record is about to be called; false: it must not be. */
  begin(record: ActivityRecord): boolean;
  /** Says that the code which was called last has given way. */
  pause(): void;
  /** The counters of a started runtime, else null. */
  metrics(runtime: number): Record<string, number> | null;
  /** Installs the process's log sink; gives the reason if it was not. */
  configureLog(options: LogOptions): string | null;
  version(): string;
  /** Ends the host; requests in flight fail with HOST_GONE. For tests. */
  close(): void;
}
