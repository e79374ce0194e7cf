import duroxide = require('duroxide');

/** A CommonJS module gets them by require. */
export function make(provider: duroxide.Provider): duroxide.Client {
  // @ts-expect-error There is no such option.
  new duroxide.Runtime(provider, { nonsense: 1 });
  return new duroxide.Client(provider);
}
