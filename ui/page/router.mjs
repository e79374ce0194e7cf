/** Addresses of the page: a name below the base, and a query. */

import { useEffect, useState } from 'preact/hooks';
import { base, queryOf } from './api.mjs';

const listeners = new Set();

/** The address of a page. */
export function href(name, params = {}) {
  const query = queryOf(params);
  return `${base}/${name}${query === '' ? '' : `?${query}`}`;
}

export function here() {
  const path = window.location.pathname.slice(base.length);
  const params = Object.fromEntries(new URLSearchParams(window.location.search));
  return { name: path.replace(/^\/|\/$/g, ''), params };
}

function changed() {
  for (const listener of listeners) listener(here());
}

/** Goes to an address of the page; `replace` leaves no step to go back to. */
export function go(address, { replace = false } = {}) {
  window.history[replace ? 'replaceState' : 'pushState'](null, '', address);
  changed();
}

export function useAddress() {
  const [address, setAddress] = useState(here);
  useEffect(() => {
    listeners.add(setAddress);
    window.addEventListener('popstate', changed);
    return () => {
      listeners.delete(setAddress);
      window.removeEventListener('popstate', changed);
    };
  }, []);
  return address;
}

/** The event that the fragment of the address names, or null. */
export function useSelected() {
  const read = () => Number(/^#event-(\d+)$/.exec(window.location.hash)?.[1] ?? Number.NaN);
  const [selected, setSelected] = useState(read);
  useEffect(() => {
    const update = () => setSelected(read());
    window.addEventListener('hashchange', update);
    return () => window.removeEventListener('hashchange', update);
  }, []);
  return Number.isNaN(selected) ? null : selected;
}
