import { Client, Runtime, type RuntimeOptions, SqliteProvider } from 'duroxide';
import type * as deep from 'duroxide/lib/duroxide.js';

/** An ES module gets the types by the name of the package, and by the deep path. */
export async function open(options: RuntimeOptions): Promise<Client> {
  const provider = await SqliteProvider.inMemory();
  // @ts-expect-error A client is no runtime.
  const wrong: Client = new Runtime(provider, options);
  const client: deep.Client = new Client(provider);
  return wrong ?? client;
}
