'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const exported = require('../lib/duroxide.js');

const declarations = fs.readFileSync(path.join(__dirname, '..', 'index.d.ts'), 'utf8');

/** Names of what a declaration file exports as values. */
function declaredValues() {
  const found = declarations.matchAll(/^export (?:class|function|const) (\w+)/gm);
  // A function with several signatures is declared several times.
  return [...new Set([...found].map((m) => m[1]))];
}

/** Names of the methods and accessors that a class declares, static ones apart. */
function declaredMembers(name) {
  const [, body] = new RegExp(`^export class ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(
    declarations,
  );
  const members = [...body.matchAll(/^ {2}(static )?(\w+)[(<]/gm)];
  const names = (found) => [...new Set(found.map((m) => m[2]))];
  return {
    own: names(members.filter((m) => !m[1] && m[2] !== 'constructor')),
    static: names(members.filter((m) => m[1])),
  };
}

/** Where what is inherited is not ours. */
const ROOTS = [Object.prototype, Function.prototype];

/** Names of the methods of a prototype or a class, inherited ones included. */
function realMembers(object) {
  const names = new Set();
  for (let at = object; !ROOTS.includes(at); at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (value !== undefined) names.add(name);
    }
  }
  for (const name of ['constructor', 'length', 'name', 'prototype']) names.delete(name);
  return [...names].sort();
}

test('what is declared is exported, and the other way round', () => {
  assert.deepEqual(declaredValues().sort(), Object.keys(exported).sort());
});

test('the methods of the classes are those that are declared', () => {
  for (const name of ['OrchestrationContext', 'ActivityContext', 'Client', 'Runtime']) {
    const declared = declaredMembers(name);
    const { prototype } = exported[name];
    assert.deepEqual(realMembers(prototype), declared.own.sort(), name);
    assert.deepEqual(realMembers(exported[name]), [], `static members of ${name}`);
  }
  for (const name of ['SqliteProvider', 'PostgresProvider']) {
    const declared = declaredMembers(name);
    assert.deepEqual(realMembers(exported[name]), declared.static.sort(), name);
    for (const method of declared.own) {
      assert.equal(typeof exported[name].prototype[method], 'function', `${name}.${method}`);
    }
  }
});

test('the published limits', () => {
  assert.equal(exported.MAX_NAME_BYTES, 2000);
  assert.equal(exported.MAX_WORKER_TAGS, 5);
  assert.equal(exported.MAX_TAG_NAME_BYTES, 256);
  assert.equal(exported.MAX_KV_KEYS, 150);
  assert.equal(exported.MAX_KV_VALUE_BYTES, 65536);
});

test('an ES module gets the same objects by name', async () => {
  for (const path of ['../lib/duroxide.js', 'duroxide', 'duroxide/lib/duroxide.js']) {
    const { default: all, ...named } = await import(path);
    assert.equal(all, exported);
    assert.equal(require(path), exported);
    for (const [name, value] of Object.entries(exported)) assert.equal(named[name], value, name);
  }
});
