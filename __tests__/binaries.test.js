'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { checkElf, checkPe } = require('../scripts/binaries.js');

/** The looks at binaries that keep a release from needing more than it says. */

const BINARIES = path.join(__dirname, '..', 'build', 'Release');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-binaries-'));

after(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('an ELF file', { skip: process.platform !== 'linux' && 'only Linux has any' }, () => {
  const engine = path.join(BINARIES, 'libduroxide.so');

  it('needs a version of glibc', () => {
    const { floor, problems } = checkElf(engine, '99.0');
    assert.match(floor, /^2\.\d+(\.\d+)?$/);
    assert.deepEqual(problems, []);
  });

  it('is refused above the floor, also where 2.9 would come after 2.10 as text', () => {
    const { floor } = checkElf(engine, '99.0');
    const [major, minor] = floor.split('.').map(Number);
    assert.deepEqual(checkElf(engine, floor).problems, []);
    assert.match(checkElf(engine, `${major}.${minor - 1}`).problems[0], / needs glibc .* above /);
    assert.match(checkElf(engine, '2.2').problems[0], / needs glibc .* above 2\.2/);
  });

  it('is refused if it needs the C++ library of one system, or brings symbols', () => {
    const { problems } = checkElf(path.join(BINARIES, 'obj.target', 'duroxide.node'), '99.0');
    assert.ok(
      problems.some((text) => /GLIBCXX/.test(text)),
      problems.join(),
    );
    const object = path.join(BINARIES, 'obj.target', 'duroxide', 'native', 'engine.o');
    assert.match(checkElf(object, '99.0').problems.join(), /is not stripped/);
  });

  it('is told from another file', () => {
    assert.throws(() => checkElf(__filename, '2.28'), /is no ELF file/);
  });
});

/** A PE file that imports names of libraries, and nothing else. */
function peFile(imports) {
  const base = 0x1000;
  const file = Buffer.alloc(0x1000);
  file.write('MZ', 0, 'latin1');
  file.writeUInt32LE(0x80, 0x3c);
  file.writeUInt16LE(1, 0x80 + 6); // sections
  const optional = 0x80 + 24;
  file.writeUInt16LE(240, 0x80 + 20);
  file.writeUInt32LE(base, optional + 112 + 8);
  const section = optional + 240;
  for (const [at, value] of [
    [12, base],
    [16, 0xc00],
    [20, 0x400],
  ]) {
    file.writeUInt32LE(value, section + at);
  }
  let free = 0x400 + 20 * (Object.keys(imports).length + 1);
  const place = (size) => {
    const at = free;
    free = (free + size + 7) & ~7;
    return at;
  };
  const address = (offset) => offset - 0x400 + base;
  Object.entries(imports).forEach(([library, names], i) => {
    const name = place(library.length + 1);
    file.write(library, name, 'latin1');
    const table = place(8 * (names.length + 1));
    names.forEach((imported, n) => {
      const at = place(imported.length + 3);
      file.write(imported, at + 2, 'latin1');
      file.writeBigUInt64LE(BigInt(address(at)), table + 8 * n);
    });
    file.writeUInt32LE(address(table), 0x400 + 20 * i);
    file.writeUInt32LE(address(name), 0x400 + 20 * i + 12);
  });
  const made = path.join(folder, 'made.dll');
  fs.writeFileSync(made, file);
  return made;
}

describe('a PE file', () => {
  const provided = new Set(['napi_create_object']);

  it('may import what Windows and Node have', () => {
    const file = peFile({ 'KERNEL32.dll': ['Sleep'], 'node.exe': ['napi_create_object'] });
    assert.deepEqual(checkPe(file, provided), {
      problems: [],
      libraries: ['kernel32.dll', 'node.exe'],
    });
  });

  it('is refused if nothing provides what it imports', () => {
    const file = peFile({ 'node.exe': ['napi_create_object', 'uv_run'], 'libc++.dll': ['_Znwm'] });
    const { problems } = checkPe(file, provided);
    assert.equal(problems.length, 2);
    assert.match(problems[0], /imports uv_run of node\.exe/);
    assert.match(problems[1], /imports _Znwm of libc\+\+\.dll/);
  });
});
