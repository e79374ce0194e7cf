import { PostgresProvider, type Provider } from 'duroxide';
import { Check, type Checked, codeOf, onlyCheck } from 'duroxide/checking';

/** What a program finds that tries code on histories. */
export async function types(provider: Provider): Promise<string> {
  onlyCheck();
  const check = new Check(codeOf({}));
  const found: Checked | null = await check.instance(provider, 'a');
  const place: string = found?.divergence?.location ?? '';
  const first: number | undefined = (await check.history('')).differences[0]?.eventId;
  check.close();
  // @ts-expect-error A history is text.
  await check.history(1);
  const sql: string = await PostgresProvider.migrationSql({ schema: 'shop', after: first });
  return place + sql;
}
