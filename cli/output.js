'use strict';

const { visible } = require('./visible.js');

/** What commands print: tables for people at a terminal, JSON for programs. */

const COLOURS = Object.freeze({ red: 31, green: 32, yellow: 33, dim: 2, bold: 1 });

/** @typedef {keyof typeof COLOURS} Colour */

/** Which colour a state has. @type {Record<string, Colour>} */
const STATES = {
  Running: 'yellow',
  Completed: 'green',
  Failed: 'red',
  active: 'green',
  paused: 'yellow',
  failed: 'red',
};

const MAX_WIDTH = 48;

class Output {
  #isJson;
  #hasColours;

  /** @param {{ json?: boolean }} options */
  constructor({ json }) {
    const isTerminal = process.stdout.isTTY === true;
    this.#isJson = json ?? !isTerminal;
    this.#hasColours = isTerminal && !process.env.NO_COLOR;
  }

  get isJson() {
    return this.#isJson;
  }

  /** @param {string} text */
  write(text) {
    process.stdout.write(text);
  }

  /** @param {string} text already visible */
  line(text = '') {
    this.write(`${text}\n`);
  }

  /**
   * Prints a value as JSON, or has it told otherwise.
   *
   * @template T
   * @param {T} value
   * @param {(value: T) => void} tell
   */
  result(value, tell) {
    if (this.#isJson) this.line(JSON.stringify(value, null, 2));
    else tell(value);
  }

  /** @param {unknown} value one of many */
  record(value) {
    this.line(JSON.stringify(value));
  }

  /** @param {string} text @param {Colour | undefined} colour */
  paint(text, colour) {
    if (!this.#hasColours || colour === undefined) return text;
    return `\u001B[${COLOURS[colour]}m${text}\u001B[0m`;
  }

  /** @param {string} text */
  title(text) {
    this.line(this.paint(text, 'bold'));
  }

  /**
   * Prints a table. Cells are shown with what would steer the terminal made visible.
   *
   * @param {string[]} head
   * @param {unknown[][]} rows
   */
  table(head, rows) {
    if (rows.length === 0) {
      this.line(this.paint('none', 'dim'));
      return;
    }
    const texts = rows.map((row) => row.map(cell));
    const widths = head.map((name, i) =>
      Math.min(Math.max(name.length, ...texts.map((row) => row[i].length)), MAX_WIDTH),
    );
    const last = head.length - 1;
    const pad = (/** @type {string} */ text, /** @type {number} */ i) =>
      i === last ? text : text.padEnd(widths[i]);
    this.line(this.paint(head.map(pad).join('  ').trimEnd(), 'dim'));
    for (const row of texts) {
      const cells = row.map((text, i) => this.paint(pad(text, i), STATES[text.split(' ')[0]]));
      this.line(cells.join('  ').trimEnd());
    }
  }

  /**
   * Prints what is known of one thing; what is undefined is left out.
   *
   * @param {Record<string, unknown>} fields
   */
  fields(fields) {
    const known = Object.entries(fields).filter(([, value]) => value !== undefined);
    const width = Math.max(...known.map(([name]) => name.length));
    for (const [name, value] of known) {
      const text = cell(value);
      const shown = this.paint(text, STATES[text.split(' ')[0]]);
      this.line(`${this.paint(name.padEnd(width), 'dim')}  ${shown}`);
    }
  }
}

/** @typedef {InstanceType<typeof Output>} Out */

/** @param {unknown} value */
function cell(value) {
  if (value === undefined || value === null) return '';
  return visible(typeof value === 'string' ? value : JSON.stringify(value));
}

/** A moment, for people. @param {number | undefined} ms */
function when(ms) {
  return ms === undefined ? undefined : new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** How long something takes, in two parts at most. @param {number} ms */
function span(ms) {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  const parts = /** @type {const} */ ([
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]);
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return '0s';
  const shown = parts.slice(first, first + 2).filter(([n]) => n > 0);
  return shown.map(([n, unit]) => `${n}${unit}`).join(' ');
}

/** How long something has lasted. @param {number} ms */
function age(ms) {
  return span(Date.now() - ms);
}

/** @param {number} bytes */
function size(bytes) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

module.exports = { Output, age, size, span, when };
