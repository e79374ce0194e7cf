'use strict';

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const check = require('./check.js');
const { DuroxideError } = require('./errors.js');

/** Which file a location means: paths, `sqlite:` and `file:` URLs, as text or as URL objects. */

/** @typedef {{ memory: boolean, path: string, createDirs: boolean }} Location */

const MEMORY = ':memory:';
const FORMS =
  'write a path, sqlite:<path> or sqlite://<path> (three slashes begin an absolute one), ' +
  'file:///<absolute path>, or :memory:';

/** What other libraries begin their locations with, and no file of ours. */
const FOREIGN = /^(jdbc|libsql|sqlite3|prisma|sqlite\+\w+):/i;

/**
 * Reads a location.
 *
 * @param {unknown} location
 * @param {string} [platform] as in process.platform
 * @returns {Location}
 */
function parseLocation(location, platform = process.platform) {
  const text = location instanceof URL ? location.href : check.text('path', location);
  const scheme = /^(sqlite|file):/i.exec(text)?.[1].toLowerCase();
  const file = scheme === undefined ? plainPath(text) : urlPath(text, scheme, platform);
  // As a part of a path it is a name like any other.
  if (file === MEMORY) return { memory: true, path: '', createDirs: false };
  return { memory: false, path: path.resolve(file), createDirs: true };
}

/** @param {string} text */
function plainPath(text) {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(text)?.[1].toLowerCase();
  if (scheme?.startsWith('postgres')) {
    throw bad(hideSecrets(text), 'PostgreSQL is opened with PostgresProvider.connect(url)');
  }
  if (scheme !== undefined || FOREIGN.test(text)) {
    throw bad(hideSecrets(text), `it names no file; ${FORMS}`);
  }
  return text;
}

/** Users and passwords must not be shown. @param {string} text */
function hideSecrets(text) {
  return text.replace(/\/\/[^/]*@/, '//…@').replace(/\?.*$/s, '?…');
}

/**
 * @param {string} text
 * @param {string} scheme
 * @param {string} platform
 */
function urlPath(text, scheme, platform) {
  const rest = text.slice(scheme.length + 1);
  if (rest.includes('#')) throw bad(text, "a '#' in a URL is written %23");
  const [encoded, query] = split(rest);
  const mode = checkQuery(text, query);
  const decoded = decode(text, encoded);
  const file = scheme === 'file' ? afterHost(text, decoded) : afterSlashes(text, decoded);
  if (mode === 'memory' || file === MEMORY || file === `/${MEMORY}`) return MEMORY;
  if (file === '') throw bad(text, `the path is missing; ${FORMS}`);
  // The path of a URL begins with a slash, that of a drive with its letter.
  const local = platform === 'win32' ? file.replace(/^\/(?=[a-z]:)/i, '') : file;
  if (mode === 'rw' && !fs.existsSync(local)) throw bad(text, 'the file does not exist');
  return local;
}

/**
 * The path of a `sqlite:` URL: there is no server, so what follows two slashes is the path already.
 *
 * @param {string} text
 * @param {string} decoded
 */
function afterSlashes(text, decoded) {
  if (!decoded.startsWith('//')) return decoded;
  const file = decoded.slice(2);
  // In "//host:port/…" and "//user@host/…" somebody means a server.
  const looksLikeServer = /^(localhost\/|[^/]*@|[^/:]+:\d+(\/|$))/.test(file);
  if (looksLikeServer) throw bad(hideSecrets(text), `SQLite has no server; ${FORMS}`);
  return file;
}

/**
 * The path of a `file:` URL, which may name the machine, if it is this one.
 *
 * @param {string} text
 * @param {string} decoded
 */
function afterHost(text, decoded) {
  if (!decoded.startsWith('//')) return decoded;
  const [, host, file] = /** @type {RegExpExecArray} */ (/^\/\/([^/]*)(.*)$/s.exec(decoded));
  if (host === '' || host === 'localhost') return file;
  throw bad(
    text,
    `two slashes name a machine; write file:${host}${file} for a relative path, ` +
      'or three slashes for an absolute one',
  );
}

/** @param {string} text @param {string} encoded */
function decode(text, encoded) {
  try {
    const decoded = decodeURIComponent(encoded);
    if (!decoded.includes('\0')) return decoded;
  } catch {
    throw bad(text, "a '%' in a URL is written %25");
  }
  throw bad(text, 'a path cannot contain a NUL character');
}

/** Cuts the query off. @param {string} text */
function split(text) {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Checks the query of a URL and gives its mode.
 *
 * @param {string} text
 * @param {string} query
 */
function checkQuery(text, query) {
  let mode = 'rwc';
  for (const [key, value] of new URLSearchParams(query)) {
    if (key === 'mode' && ['rwc', 'rw', 'memory'].includes(value)) mode = value;
    else if (key === 'mode' && value === 'ro') throw bad(text, 'a store must be able to write');
    else if (key !== 'cache') throw bad(text, `'${key}=${value}' is not supported; mode=rwc is`);
  }
  return mode;
}

/**
 * @param {string} text
 * @param {string} reason
 */
function bad(text, reason) {
  return new DuroxideError(`Failed to open SQLite: '${text}': ${reason}`, {
    code: 'INVALID_INPUT',
  });
}

module.exports = { parseLocation };
