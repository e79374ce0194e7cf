/**
 * Code is tried on recorded histories, as `npx duroxide check` does it: it runs no activities, and nothing
 * is written.
 */

import type { Provider } from '../../index';

/** A place where the code does something else than what is recorded. */
export interface Difference {
  /** The recorded event that does not fit; 0 where there is none. */
  eventId: number;
  /** What the code asks for, and what is recorded, in words. */
  asked: string;
  recorded: string;
  /** Where in the code that is, as `file:line:column`; empty where it is not known. */
  location: string;
  message: string;
}

/** What became of the code of one instance. */
export interface Checked {
  orchestrationName: string;
  /** Null where the first turn has not chosen one. */
  orchestrationVersion?: string | null;
  /** There, and nothing else, where the code has no such orchestration or version. */
  missing?: { name: string; version: string };
  /** What would end the instance, or hold it; null where it would go on. */
  divergence: Difference | null;
  /** Where it would go on with other inputs, values or statuses than are recorded. */
  differences: Difference[];
}

/** Leads code through histories. It uses a little memory until it is closed. */
export class Check {
  /** Takes what `Runtime.register` takes, an array of that, or one generator function that stands for all. */
  constructor(code: unknown);
  /** Tries the current execution of an instance. Null where there is no such instance. */
  instance(provider: Provider, instanceId: string): Promise<Checked | null>;
  /** Tries the last execution of a history that `Client.exportHistory` gave. */
  history(history: string): Promise<Checked>;
  close(): void;
}

/**
 * Gives the code in what a module exports, for `Check`: what `implement(…)` gives, and functions that
 * register, which are the default, `register`, or the module itself. Empty where there is none.
 */
export function codeOf(exported: object): unknown[];

/** From now on no runtime starts in this process: code that is loaded to be tried must not begin to work. */
export function onlyCheck(): void;
