'use strict';

/** Places: where a store is that a measurement has for itself, and that several processes open. */

const { execFile, execFileSync } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { PostgresProvider, SqliteProvider } = require('duroxide');

/**
 * @typedef {{ kind: 'sqlite', mode: string, folder: string, file: string }} FilePlace
 * @typedef {{ kind: 'postgres', mode: string, schema: string }} SchemaPlace
 * @typedef {FilePlace | SchemaPlace} Place
 */

const ROOT = path.join(__dirname, '..');
const POSTGRES = ['run', './bench/postgres'];

/** What the server at DATABASE_URL answers. @param {string[]} request see bench/postgres */
function askPostgres(...request) {
  return JSON.parse(execFileSync('go', [...POSTGRES, ...request], { cwd: ROOT, encoding: 'utf8' }));
}

/** How many transactions per second the server ends. @param {number} windowMs @returns {Promise<number>} */
function countTransactions(windowMs) {
  return new Promise((resolve, reject) => {
    const args = [...POSTGRES, 'transactions', `${windowMs}ms`];
    execFile('go', args, { cwd: ROOT }, (error, stdout) => {
      if (error) reject(error);
      else resolve(JSON.parse(stdout).perSecond);
    });
  });
}

/** @param {string} kind @param {string} mode how safe commits are @returns {Place} */
function makePlace(kind, mode) {
  if (kind === 'postgres') {
    return { kind, mode, schema: `duroxide_bench_${randomUUID().replaceAll('-', '')}` };
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-bench-'));
  return { kind: 'sqlite', mode, folder, file: path.join(folder, 'bench.db') };
}

/** @param {any} place */
function openPlace(place) {
  return place.kind === 'postgres'
    ? PostgresProvider.connectWithSchema(process.env.DATABASE_URL, place.schema)
    : SqliteProvider.open(place.file, { synchronous: place.mode });
}

/** @param {Place} place */
function removePlace(place) {
  if (place.kind === 'postgres') askPostgres('drop', place.schema);
  else fs.rmSync(place.folder, { recursive: true, force: true });
}

module.exports = { ROOT, askPostgres, countTransactions, makePlace, openPlace, removePlace };
