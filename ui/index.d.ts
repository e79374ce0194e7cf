/**
 * The page of duroxide: what runs on a store, what it waits for, and what can be done about it. In an
 * application by `createDashboard`, by itself by `serve`.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Client } from 'duroxide';

/** Who asks, and whether he may change something. `user` is recorded as the `by` of repairs. */
export interface DashboardUser {
  user: string;
  role: 'read' | 'operate';
}

/** What a value is that `redact` is asked about. */
export interface Redacted {
  /**
   * `input` and `output` are those of orchestrations and activities, `error` a failure or its text, `event` and
   * `message` what was raised and sent, `customStatus`, `value` one of the key-value store, `reason` why
   * somebody has cancelled or repaired.
   */
  kind: 'input' | 'output' | 'error' | 'event' | 'message' | 'customStatus' | 'value' | 'reason';
  /** Of the orchestration, activity, event, queue or key; null where there is none. */
  name: string | null;
  /** Of schedules, their id. */
  instanceId: string;
}

/** Gives what is shown of a value. It runs before anything is sent; where it throws, nothing is shown. */
export type Redact = (value: any, about: Redacted) => unknown;

export interface DashboardOptions<TRequest = any> {
  /** Where the page is mounted: a path without a slash at its end, such as `'/duroxide'`. The root by default. */
  basePath?: string;
  /** Whether the page only shows. True by default. */
  readOnly?: boolean;
  /**
   * Says who asks, or null for somebody who is not let in. It is called for each request and, while a stream of
   * events is open, again and again. It is given what the handler was given: an IncomingMessage, or a Request.
   * `false` lets everybody in who reaches the page, and do everything unless `readOnly`.
   */
  authenticate:
    | false
    | ((request: TRequest) => DashboardUser | null | Promise<DashboardUser | null>);
  redact?: Redact;
  /** Is told of faults, which the page only names. By default they are warnings of the process. */
  onError?: (error: unknown) => void;
}

export interface Dashboard {
  /**
   * For node:http, express and the like. Requests that are not below `basePath` go to `next` where there is one,
   * and are answered with 404 else. Resolves when the answer has begun.
   */
  handler(
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): Promise<void>;
  /** For Next.js, Hono and whatever else speaks in Requests and Responses. */
  fetch(request: Request): Promise<Response>;
  /** Ends the streams of events. */
  close(): void;
}

/** Makes the handlers of the page. `authenticate` has to be given. */
export function createDashboard<TRequest = any>(
  client: Client,
  options: DashboardOptions<TRequest>,
): Dashboard;

export interface ServeOptions {
  client: Client;
  /** On 127.0.0.1; 0, the default, takes a free one. */
  port?: number;
  /** False by default: whoever has the link may change things. */
  readOnly?: boolean;
  redact?: Redact;
  /** Is given the link; by default it is printed. */
  print?: (link: string) => void;
  onError?: (error: unknown) => void;
}

export interface ServedDashboard {
  /** Its address, without a token. */
  url: string;
  /** The address with a token, which is good for one sign-in. */
  link: string;
  /** Gives another link; the one before is good no longer, if it was not used. */
  newLink(): string;
  close(): Promise<void>;
}

/** Serves the page on this machine, to whoever has the link. */
export function serve(options: ServeOptions): Promise<ServedDashboard>;
