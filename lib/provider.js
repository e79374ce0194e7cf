'use strict';

const { backUp } = require('./backup.js');
const channel = require('./channel.js');
const check = require('./check.js');
const dropped = require('./dropped.js');
const { DuroxideError, retold, UNFIT_CODES } = require('./errors.js');
const { BUNDLE, HERE } = require('./here.js');
const { parseLocation } = require('./sqlite-location.js');
const { version } = require('../package.json');

/** Providers: options in, an open store out. */

/**
 * @typedef {object} Opened
 * @property {number} store
 * @property {boolean} readOnly
 * @property {Set<{ shutdown(timeoutMs?: number): Promise<void> }>} runtimes
 */

/** What the engine knows of each provider, hidden from users. @type {WeakMap<object, Opened>} */
const opened = new WeakMap();

/**
 * Gives what stands behind a provider.
 *
 * @param {unknown} provider
 * @returns {Opened}
 */
function openedStore(provider) {
  const found = opened.get(/** @type {object} */ (provider));
  if (found === undefined) {
    throw new TypeError(
      'provider must be what SqliteProvider.open(...) or another factory resolved to, ' +
        `not ${describe(provider)}`,
    );
  }
  return found;
}

/** What providers of every copy of this package carry: where the copy is. */
const COPY = Symbol.for('duroxide.provider.copy');

/** @param {any} provider */
function describe(provider) {
  const copy = typeof provider === 'object' && provider !== null ? provider[COPY] : undefined;
  if (typeof copy !== 'string') return check.kindOf(provider);
  return (
    `one of another copy: it was opened by ${copy}, and this is ${thisCopy}. Bring the copies ` +
    'together ("npm ls duroxide" shows them, "npm dedupe" joins them), or load the package once only'
  );
}

const thisCopy = `duroxide ${version} in ${BUNDLE ?? HERE}`;

class Provider {
  /**
   * @param {import('./dropped.js').StoreType} type
   * @param {number} store
   * @param {boolean} [readOnly]
   */
  constructor(type, store, readOnly = false) {
    if (typeof store !== 'number') {
      throw new TypeError('providers are opened by their factories, such as SqliteProvider.open');
    }
    this._type = type;
    opened.set(this, { store, readOnly, runtimes: new Set() });
    dropped.watch(this, type, store);
  }

  get [COPY]() {
    return thisCopy;
  }

  async inspect() {
    return (await channel.request('store.inspect', { store: openedStore(this).store })).value;
  }

  async close() {
    const { store, runtimes } = openedStore(this);
    await Promise.all([...runtimes].map((runtime) => runtime.shutdown()));
    dropped.unwatch(this, this._type);
    await channel.request('store.close', { store });
  }
}

/** @type {(argument: string, value: unknown) => number} */
const natural = (argument, value) => check.integer(argument, value, 0);

/** @type {(argument: string, value: unknown) => string} */
function synchronousMode(argument, value) {
  if (value === 'full' || value === 'normal') return value;
  throw new TypeError(`${argument} must be 'full' or 'normal', not ${check.kindOf(value)}`);
}

/** @param {unknown} options */
function checkSqliteOptions(options) {
  return check.options('options', options, {
    synchronous: synchronousMode,
    orphanRetentionMs: natural,
    replyRetentionMs: natural,
    readOnly: check.boolean,
    migrate: check.boolean,
  });
}

/**
 * Opens a store in memory whose time stands still until a test moves it.
 *
 * @param {number} startMs
 */
async function openTestStore(startMs) {
  const { value } = await channel.request('store.open', { kind: 'test', startMs });
  return new Provider('test', value.store);
}

class SqliteProvider extends Provider {
  /**
   * @param {string | URL} path
   * @param {{
   *   synchronous?: 'full' | 'normal', orphanRetentionMs?: number, replyRetentionMs?: number,
   *   readOnly?: boolean, migrate?: boolean,
   * }} [options]
   */
  static async open(path, options) {
    const given = checkSqliteOptions(options);
    return openSqlite({ ...parseLocation(path), ...given });
  }

  /** @param {{ synchronous?: 'full' | 'normal', orphanRetentionMs?: number, replyRetentionMs?: number }} [options] */
  static async inMemory(options) {
    const checked = checkSqliteOptions(options);
    const never = checked.readOnly ? 'readOnly' : checked.migrate === false ? 'migrate' : '';
    if (never) {
      throw new TypeError(`options.${never} is for stores that are there; one in memory is empty`);
    }
    return openSqlite({ memory: true, path: '', createDirs: false, ...checked });
  }

  /** @param {unknown} [options] */
  static async migrationSql(options) {
    const { after = 0 } = check.options('options', options, { after: natural });
    return (await channel.request('sqlite.sql', { after })).value.sql;
  }

  /**
   * @param {string} target
   * @param {{ overwrite?: boolean, progress?: (progress: object) => unknown }} [options]
   */
  async backup(target, options) {
    return backUp(this, openedStore(this).store, target, options);
  }
}

/** @param {Record<string, any>} location */
async function openSqlite(location) {
  try {
    const { value } = await channel.request('store.open', { kind: 'sqlite', ...location });
    return new SqliteProvider('sqlite', value.store, location.readOnly);
  } catch (error) {
    throw openFailure(error);
  }
}

/** @param {any} error */
function openFailure(error) {
  if (!(error instanceof DuroxideError) || UNFIT_CODES.includes(error.code)) return error;
  return retold(error, `Failed to open SQLite: ${error.message}`);
}

/** How many connections a store has at most where nobody says otherwise. */
const DEFAULT_MAX_CONNECTIONS = 10;
const MAX_PORT = 65535;

class PostgresProvider extends Provider {
  /**
   * @param {string} databaseUrl
   * @param {object} [options]
   */
  static async connect(databaseUrl, options) {
    const url = check.string('databaseUrl', databaseUrl);
    return openPostgres({ url, ...connection(options, DIRECT) }, CONNECT);
  }

  /**
   * @param {string} databaseUrl
   * @param {string} schema
   * @param {object} [options]
   */
  static async connectWithSchema(databaseUrl, schema, options) {
    const url = check.string('databaseUrl', databaseUrl);
    const checked = checkSchema(schema, CONNECT);
    return openPostgres({ url, schema: checked, ...connection(options, DIRECT) }, CONNECT);
  }

  /** @param {unknown} [options] */
  static async migrationSql(options) {
    const { schema = '', after = 0 } = check.options('options', options, SQL_OPTIONS);
    return (await channel.request('postgres.sql', { schema, after })).value.sql;
  }

  /**
   * @param {string} host
   * @param {number} port
   * @param {string} database
   * @param {string} user
   * @param {object} [options]
   */
  static async connectWithEntra(host, port, database, user, options) {
    const server = checkServer(host, port, database, user);
    return openPostgres(entra(server, options), 'Failed to connect with Entra: ');
  }

  /**
   * @param {string} host
   * @param {number} port
   * @param {string} database
   * @param {string} user
   * @param {string} schema
   * @param {object} [options]
   */
  static async connectWithSchemaAndEntra(host, port, database, user, schema, options) {
    const prefix = 'Failed to connect with schema and Entra: ';
    const server = checkServer(host, port, database, user);
    const checked = checkSchema(schema, prefix);
    return openPostgres({ ...entra(server, options), schema: checked }, prefix);
  }
}

/** The options that all connections have. */
const COMMON = {
  maxConnections: natural,
  acquireTimeoutMs: natural,
  migrate: check.boolean,
  orphanRetentionMs: natural,
  replyRetentionMs: natural,
  readOnly: check.boolean,
};
const DIRECT = { directUrl: check.text };
const TOKENS = { audience: check.text, refreshIntervalMs: natural };

const SQL_OPTIONS = { schema: check.text, after: natural };

const CONNECT = 'Failed to connect to PostgreSQL: ';

/**
 * Checks the name of a schema. The empty one means something else to the engine.
 *
 * @param {unknown} schema
 * @param {string} prefix
 */
function checkSchema(schema, prefix) {
  const text = check.string('schema', schema);
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return text;
  throw new DuroxideError(
    `${prefix}Invalid schema_name '${text}': must match [A-Za-z_][A-Za-z0-9_]*`,
    { code: 'INVALID_INPUT' },
  );
}

/**
 * @param {unknown} host
 * @param {unknown} port
 * @param {unknown} database
 * @param {unknown} user
 */
function checkServer(host, port, database, user) {
  const number = check.integer('port', port, 1);
  if (number > MAX_PORT) throw new RangeError(`port must be at most ${MAX_PORT}, not ${number}`);
  return {
    host: check.text('host', host),
    port: number,
    database: check.text('database', database),
    user: check.text('user', user),
  };
}

/**
 * Checks the options of a connection. Zero stands for the least that is possible.
 *
 * @param {unknown} options
 * @param {Record<string, (argument: string, value: unknown) => unknown>} more
 */
function connection(options, more) {
  const given = check.options('options', options, { ...COMMON, ...more });
  for (const name of ['maxConnections', 'acquireTimeoutMs']) {
    if (name in given) given[name] = Math.max(given[name], 1);
  }
  return given;
}

/**
 * @param {object} server
 * @param {unknown} options
 */
function entra(server, options) {
  const { audience, refreshIntervalMs, ...rest } = connection(options, TOKENS);
  return { entra: { ...server, audience, refreshIntervalMs }, ...rest };
}

/** The size of the pool that the environment asks for. */
function poolSize() {
  const text = process.env.DUROXIDE_PG_POOL_MAX ?? '';
  const size = /^\+?\d{1,9}$/.test(text) ? Number(text) : DEFAULT_MAX_CONNECTIONS;
  return Math.max(size, 1);
}

/**
 * @param {Record<string, any>} server
 * @param {string} prefix of error messages
 */
async function openPostgres(server, prefix) {
  try {
    const { value } = await channel.request('store.open', {
      kind: 'postgres',
      maxConnections: poolSize(),
      ...server,
    });
    return new PostgresProvider('postgres', value.store, server.readOnly);
  } catch (error) {
    throw connectFailure(error, prefix);
  }
}

/**
 * @param {any} error
 * @param {string} prefix
 */
function connectFailure(error, prefix) {
  if (!(error instanceof DuroxideError) || UNFIT_CODES.includes(error.code)) return error;
  return retold(error, prefix + error.message.replace(/^open: /, ''));
}

module.exports = { PostgresProvider, SqliteProvider, openTestStore, openedStore };
