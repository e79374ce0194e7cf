/** Asking the server: once, to change something, and for a view that goes on. */

import { useEffect, useState } from 'preact/hooks';

export const base = document.documentElement.dataset.base ?? '';

/** What the server says is wrong. */
export class Refused extends Error {
  constructor(status, { code, message, details } = {}) {
    super(message ?? `the server answered with ${status}`);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

/** The part of an address after the `?`, without what is not given. */
export function queryOf(params) {
  const given = Object.entries(params).filter(([, value]) => value !== undefined && value !== '');
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

async function read(response) {
  if (response.ok) return response.json();
  if (response.status === 401) tell('out');
  // What stands between may have answers of its own.
  const { error } = await response.json().catch(() => ({}));
  throw new Refused(response.status, error);
}

export async function get(view, params = {}, signal) {
  return read(await fetch(`${base}/api/${view}?${queryOf(params)}`, { signal }));
}

export async function post(path, body) {
  const headers = { 'content-type': 'application/json' };
  const options = { method: 'POST', headers, body: JSON.stringify(body) };
  return read(await fetch(`${base}/api/${path}`, options));
}

/** `live`, `lost`, or `out` where one is no longer let in. */
let connection = 'live';
const listeners = new Set();

function tell(state) {
  if (connection === 'out' || connection === state) return;
  connection = state;
  for (const listener of listeners) listener(state);
}

export function useConnection() {
  const [state, setState] = useState(connection);
  useEffect(() => {
    setState(connection);
    listeners.add(setState);
    return () => listeners.delete(setState);
  }, []);
  return state;
}

/**
 * Opens the event stream of a view, again when it has ended, and gives what closes it. A page that nobody sees
 * has none: browsers allow few connections, and the server few streams.
 */
function follow(url, onData, onProblem) {
  let source;
  let timer;
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const failed = () => {
    tell('lost');
    if (source?.readyState !== EventSource.CLOSED) return;
    // It was refused: the session says whether that is for good.
    const again = () => connection !== 'out' && !document.hidden && open();
    timer = setTimeout(() => get('session').then(again, again), 2000);
  };
  const open = () => {
    close();
    source = new EventSource(url);
    const hear = (name, heard) =>
      source.addEventListener(name, ({ data }) => {
        tell('live');
        heard(JSON.parse(data));
      });
    hear('data', onData);
    hear('problem', onProblem);
    source.addEventListener('leave', () => {
      close();
      tell('out');
    });
    source.addEventListener('error', failed);
  };
  const seen = () => (document.hidden ? close() : open());
  document.addEventListener('visibilitychange', seen);
  seen();
  return () => {
    document.removeEventListener('visibilitychange', seen);
    close();
  };
}

/**
 * A view, kept up to date. `data` is null before the first answer; `problem` is why there is none now. What
 * was there last stays until there is something else.
 */
export function useLive(view, params = {}) {
  const query = queryOf(params);
  const [state, setState] = useState({ data: null, problem: null, of: '' });
  useEffect(() => {
    const url = `${base}/api/events/${view}?${query}`;
    const of = `${view}?${query}`;
    return follow(
      url,
      (data) => setState({ data, problem: null, of }),
      (problem) => setState((last) => ({ ...last, problem, of })),
    );
  }, [view, query]);
  return state;
}

/** What is asked for once, and again when `version` is another one. */
export function useOnce(view, params, version) {
  const query = queryOf(params);
  const [state, setState] = useState({ data: null, problem: null });
  useEffect(() => {
    const controller = new AbortController();
    get(view, params, controller.signal).then(
      (data) => controller.signal.aborted || setState({ data, problem: null }),
      (problem) => controller.signal.aborted || setState((last) => ({ ...last, problem })),
    );
    return () => controller.abort();
  }, [view, query, version]);
  return state;
}
