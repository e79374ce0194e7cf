/** Texts for people. */

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** How long, in the two largest units. */
export function duration(ms) {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const at = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[at];
  const whole = Math.floor(ms / size);
  const next = UNITS[at + 1];
  const rest = next ? Math.floor((ms % size) / next[1]) : 0;
  return rest > 0 && whole < 20 ? `${whole} ${unit} ${rest} ${next[0]}` : `${whole} ${unit}`;
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  const at = Math.min(Math.floor(Math.log10(count) / 3), units.length);
  return `${(count / 1000 ** at).toFixed(1)} ${units[at - 1]}`;
}

export const number = (value) => value.toLocaleString('en');

/** A rate, per minute. */
export const rate = (value) => (value < 10 ? value.toFixed(1) : number(Math.round(value)));

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const CLOCK = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** Local time; the day only where it is not today. */
export function clock(at, now = Date.now()) {
  const date = new Date(at);
  const time = CLOCK.format(date);
  return date.toDateString() === new Date(now).toDateString()
    ? time
    : `${DAY.format(date)}, ${time}`;
}

/** The exact time. */
export const exact = (at) => new Date(at).toISOString();

const INVISIBLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** A text of the store with what could hide or turn around its characters made visible. */
export function visible(text) {
  return String(text).replace(
    INVISIBLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What an instance waits for, in a sentence. */
export function waitText(wait, now) {
  const name = wait.name === undefined ? '' : ` ${visible(wait.name)}`;
  const says = WAITS[wait.kind];
  return says === undefined ? `${wait.kind}${name}` : says(wait, name, now);
}

const WAITS = {
  activity: (wait, name, now) =>
    `the activity${name}${routed(wait)}${ACTIVITY[wait.state]?.(wait, now) ?? ''}`,
  timer: (wait, _, now) =>
    wait.after
      ? `the pause before ${visible(wait.after.activity)} is tried again, ${until(wait.dueAt, now)}`
      : `a timer, ${until(wait.dueAt, now)}`,
  event: (_, name) => `the event${name}`,
  queue: (_, name) => `a message in the queue${name}`,
  promise: () => 'a promise that somebody has to settle',
  child: (_, name) => `the child${name}`,
  code: (wait, name) => `a runtime that runs${name}${version(wait)}${CODE[wait.state] ?? ''}`,
  held: (wait, name) => `code that fits its history:${name}${version(wait)} is held`,
};

function routed({ tag, sessionId }) {
  const parts = [
    tag && `with the tag ${visible(tag)}`,
    sessionId && `of the session ${visible(sessionId)}`,
  ];
  const text = parts.filter(Boolean).join(' and ');
  return text === '' ? '' : ` ${text}`;
}

const version = (wait) => (wait.version ? ` ${wait.version}` : '');

const CODE = {
  queued: ': one lives and will take it',
  running: ': it runs now',
  'no-code': ': none that lives has registered it',
};

const ACTIVITY = {
  queued: (w) => `, number ${w.position} in the queue (${w.running} run on ${w.slots} slots)`,
  running: (w) => `, which runs${where(w.worker)}`,
  retrying: (w, now) =>
    w.nextAt === undefined
      ? ', whose code decides whether it is tried again'
      : `: attempt ${w.attempt}, ${until(w.nextAt, now)}`,
  'no-worker': () => ', which no runtime takes',
  'no-code': () => ', which no runtime that lives has registered',
  finished: () => ', which has ended',
};

function where(worker) {
  if (worker?.host === undefined) return '';
  const blocked = worker.blockedMs
    ? `, whose thread is blocked for ${duration(worker.blockedMs)}`
    : '';
  return ` on ${visible(worker.host)}, process ${worker.pid}${blocked}`;
}

function until(at, now) {
  return at > now ? `due in ${duration(at - now)}` : 'which is due';
}
