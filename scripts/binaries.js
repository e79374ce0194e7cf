'use strict';

/**
 * What a binary needs of the system that loads it, read from the file itself: versions of symbols of
 * ELF files (Linux), imported libraries and names of PE files (Windows).
 */

const fs = require('node:fs');

/** @typedef {{ symbols: string[], debug: boolean }} Needs */

const ELF = 0x464c457f;
const SECTION_VERSIONS_NEEDED = 0x6ffffffe;
const SECTION_SYMBOLS = 2;

/** @param {Buffer} file @param {number} at */
function text(file, at) {
  return file.toString('latin1', at, file.indexOf(0, at));
}

/** @param {Buffer} file the whole of a 64-bit ELF file */
function sections(file) {
  const start = Number(file.readBigUInt64LE(0x28));
  const size = file.readUInt16LE(0x3a);
  const all = Array.from({ length: file.readUInt16LE(0x3c) }, (_, i) => {
    const at = start + i * size;
    return {
      nameAt: file.readUInt32LE(at),
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 0x18)),
      link: file.readUInt32LE(at + 0x28),
    };
  });
  const names = all[file.readUInt16LE(0x3e)].offset;
  return all.map((section) => ({ ...section, name: text(file, names + section.nameAt) }));
}

/**
 * Reads an ELF file: the versions of symbols that it needs, such as GLIBC_2.17, and whether it still
 * carries symbols or debug data that nothing needs when it runs.
 *
 * @param {string} path
 * @returns {Needs}
 */
function elfNeeds(path) {
  const file = fs.readFileSync(path);
  if (file.readUInt32LE(0) !== ELF) throw new Error(`${path} is no ELF file`);
  const all = sections(file);
  const symbols = [];
  for (const { type, offset, link } of all) {
    if (type !== SECTION_VERSIONS_NEEDED) continue;
    const strings = all[link].offset;
    for (let at = offset, next = 1; next !== 0; at += next) {
      let entry = at + file.readUInt32LE(at + 8);
      for (let left = file.readUInt16LE(at + 2); left > 0; left--) {
        symbols.push(text(file, strings + file.readUInt32LE(entry + 8)));
        entry += file.readUInt32LE(entry + 12);
      }
      next = file.readUInt32LE(at + 12);
    }
  }
  const debug = all.some(({ name, type }) => name.startsWith('.debug') || type === SECTION_SYMBOLS);
  return { symbols: [...new Set(symbols)].sort(), debug };
}

/** @param {string} version */
function numbers(version) {
  return version.split('.').map(Number);
}

/** Whether a version such as 2.17 is above another. @param {string} a @param {string} b */
function isAbove(a, b) {
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/**
 * The newest version of one library among needed symbols; '' if none is needed.
 *
 * @param {string[]} symbols
 * @param {string} library such as GLIBC
 */
function newest(symbols, library) {
  const versions = symbols
    .filter((name) => name.startsWith(`${library}_`) && /^\d/.test(name.slice(library.length + 1)))
    .map((name) => name.slice(library.length + 1));
  return versions.reduce((most, version) => (isAbove(version, most) ? version : most), '');
}

/**
 * What keeps an ELF file from running where the floor is met.
 *
 * @param {string} path
 * @param {string} floor the newest version of glibc that may be needed
 * @returns {{ problems: string[], floor: string }}
 */
function checkElf(path, floor) {
  const { symbols, debug } = elfNeeds(path);
  const needed = newest(symbols, 'GLIBC');
  const problems = [];
  if (isAbove(needed, floor)) problems.push(`${path} needs glibc ${needed}, above ${floor}`);
  const foreign = symbols.filter((name) => !/^GLIBC_/.test(name));
  if (foreign.length > 0) problems.push(`${path} needs ${foreign.join(', ')} of a library of C++`);
  if (debug) problems.push(`${path} is not stripped`);
  return { problems, floor: needed };
}

/** @param {Buffer} file @returns {{ directory: number, offsetOf: (address: number) => number }} */
function peLayout(file) {
  const header = file.readUInt32LE(0x3c);
  const optional = header + 24;
  const count = file.readUInt16LE(header + 6);
  const table = optional + file.readUInt16LE(header + 20);
  const parts = Array.from({ length: count }, (_, i) => ({
    size: file.readUInt32LE(table + i * 40 + 16),
    address: file.readUInt32LE(table + i * 40 + 12),
    offset: file.readUInt32LE(table + i * 40 + 20),
  }));
  const offsetOf = (/** @type {number} */ address) => {
    const part = parts.find((p) => address >= p.address && address < p.address + p.size);
    if (part === undefined) throw new Error(`no section holds the address ${address}`);
    return address - part.address + part.offset;
  };
  // The second directory of a 64-bit image is that of imports.
  return { directory: file.readUInt32LE(optional + 112 + 8), offsetOf };
}

/**
 * @param {Buffer} file
 * @param {number} table of what is imported from one library
 * @param {(address: number) => number} offsetOf
 */
function importedNames(file, table, offsetOf) {
  const names = [];
  for (let at = table; file.readBigUInt64LE(at) !== 0n; at += 8) {
    const entry = file.readBigUInt64LE(at);
    const byNumber = entry >> 63n === 1n;
    names.push(
      byNumber ? `#${entry & 0xffffn}` : text(file, offsetOf(Number(entry & 0x7fffffffn)) + 2),
    );
  }
  return names;
}

/**
 * Reads a 64-bit PE file: the names it imports, by library in lower case.
 *
 * @param {string} path
 * @returns {Map<string, string[]>}
 */
function peImports(path) {
  const file = fs.readFileSync(path);
  if (file.toString('latin1', 0, 2) !== 'MZ') throw new Error(`${path} is no PE file`);
  const { directory, offsetOf } = peLayout(file);
  const imports = new Map();
  if (directory === 0) return imports;
  for (let at = offsetOf(directory); file.readUInt32LE(at + 12) !== 0; at += 20) {
    const library = text(file, offsetOf(file.readUInt32LE(at + 12))).toLowerCase();
    const table = file.readUInt32LE(at) || file.readUInt32LE(at + 16);
    const names = importedNames(file, offsetOf(table), offsetOf);
    imports.set(library, [...(imports.get(library) ?? []), ...names]);
  }
  return imports;
}

/** Libraries that every Windows 10 has, and those of the C runtime that is part of it. */
const WINDOWS_LIBRARIES =
  /^(kernel32|kernelbase|advapi32|user32|shell32|ntdll|ws2_32|winmm|bcryptprimitives|bcrypt|crypt32|secur32|iphlpapi|userenv|ole32|ucrtbase|api-ms-win-(crt|core)-[a-z0-9-]+)\.dll$/;

/**
 * What keeps a PE file from running on Windows: imports that nothing provides.
 *
 * @param {string} path
 * @param {ReadonlySet<string>} provided by node.exe
 * @returns {{ problems: string[], libraries: string[] }}
 */
function checkPe(path, provided) {
  const problems = [];
  const imports = peImports(path);
  for (const [library, names] of imports) {
    if (WINDOWS_LIBRARIES.test(library)) continue;
    const missing = library === 'node.exe' ? names.filter((name) => !provided.has(name)) : names;
    if (missing.length > 0) {
      problems.push(`${path} imports ${missing.join(', ')} of ${library}, which nothing provides`);
    }
  }
  return { problems, libraries: [...imports.keys()].sort() };
}

module.exports = { checkElf, checkPe };
