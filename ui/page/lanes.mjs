/** What a timeline shows: lanes of stretches, and an axis on which times without work are short. */

const BEGINS = {
  ActivityScheduled: 'activity',
  TimerCreated: 'timer',
  ExternalSubscribed: 'event',
  QueueSubscribed: 'queue',
  SubOrchestrationScheduled: 'child',
  PromiseMade: 'promise',
};

/** Kinds that answer the oldest open wait of their name. */
const ANSWERS = { ExternalEvent: 'event', QueueEventDelivered: 'queue' };

const OWN = '__duroxide_syscall';
const MOST_LANES = 40;
const MOST_ROWS = 8;

/** The part of the axis that a folded stretch takes. */
const FOLD_PART = 0.05;

/** What a stretch is while it is open, by what is waited for. */
function stateOf(kind, wait) {
  if (kind === 'activity') return wait?.state ?? 'running';
  return kind === 'child' ? 'running' : 'waiting';
}

/** The stretch that an event begins, if it begins one. */
function begunBy(event, before) {
  const kind = BEGINS[event.kind];
  if (kind === undefined || event.name?.startsWith(OWN)) return null;
  const isPause = kind === 'timer' && before?.kind === 'ActivityFailed';
  return {
    kind,
    name: event.name ?? (isPause ? 'before a retry' : ''),
    eventId: event.eventId,
    from: event.at,
    to: null,
    state: isPause ? 'retrying' : null,
  };
}

/** The stretches of events, in order: `{ kind, name, eventId, endId?, from, to, state }`. */
export function stretchesOf(events, waits, now) {
  const open = new Map();
  const stretches = [];
  let last;
  for (const event of events) {
    const stretch = begunBy(event, last);
    if (stretch !== null) {
      open.set(event.eventId, stretch);
      stretches.push(stretch);
    }
    close(open, event);
    last = event;
  }
  const byEvent = new Map(waits.map((wait) => [wait.eventId, wait]));
  for (const stretch of open.values()) {
    stretch.to = now;
    stretch.state ??= stateOf(stretch.kind, byEvent.get(stretch.eventId));
  }
  return stretches;
}

function close(open, event) {
  const id = event.source ?? oldest(open, ANSWERS[event.kind], event.name);
  const stretch = open.get(id);
  if (stretch === undefined) return;
  open.delete(id);
  stretch.to = event.at;
  stretch.endId = event.eventId;
  if (event.failure !== undefined) stretch.state = 'failed';
  else if (/Cancel/.test(event.kind)) stretch.state = 'cancelled';
  else stretch.state ??= ['activity', 'child'].includes(stretch.kind) ? 'done' : 'waiting';
}

function oldest(open, kind, name) {
  if (kind === undefined) return undefined;
  for (const [id, stretch] of open) {
    if (stretch.kind === kind && stretch.name === name) return id;
  }
  return undefined;
}

/** Stretches of the same kind and name share a lane, in rows where they overlap. */
export function lanesOf(stretches) {
  const lanes = new Map();
  for (const stretch of stretches) {
    const key = `${stretch.kind} ${stretch.name}`;
    if (!lanes.has(key) && lanes.size >= MOST_LANES) continue;
    const lane = lanes.get(key) ?? {
      key,
      kind: stretch.kind,
      name: stretch.name,
      ends: [],
      items: [],
    };
    lanes.set(key, lane);
    const free = lane.ends.findIndex((end) => end <= stretch.from);
    const row = free >= 0 ? free : Math.min(lane.ends.length, MOST_ROWS - 1);
    lane.ends[row] = stretch.to;
    lane.items.push({ ...stretch, row });
  }
  return [...lanes.values()].map(({ ends, ...lane }) => ({ ...lane, rows: ends.length }));
}

/** Times in which nothing happened here but waiting, for children too, where they are much longer than what happened. */
function foldsOf(stretches, from, to) {
  const works = ({ kind, state }) => kind === 'activity' && state !== 'queued';
  const times = [...new Set([from, to, ...stretches.flatMap((each) => [each.from, each.to])])];
  times.sort((a, b) => a - b);
  const busy = stretches.filter(works);
  const gaps = [];
  for (let i = 1; i < times.length; i++) {
    const gap = { from: times[i - 1], to: times[i] };
    if (!busy.some((each) => each.from < gap.to && each.to > gap.from)) gaps.push(gap);
  }
  const idle = gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const least = Math.max(1000, (to - from - idle) * 0.5);
  return gaps.filter((gap) => gap.to - gap.from > least).slice(0, 10);
}

/**
 * The axis: gives where on it, from 0 to 1, a time is, and which stretches are folded.
 */
export function axisOf(stretches, from, to) {
  const folds = foldsOf(stretches, from, to);
  const folded = folds.reduce((sum, fold) => sum + fold.to - fold.from, 0);
  const work = to - from - folded;
  const scale = work > 0 ? (1 - folds.length * FOLD_PART) / work : 0;
  const foldPart = work > 0 ? FOLD_PART : 1 / Math.max(1, folds.length);
  const place = (time) => {
    let at = 0;
    let since = from;
    for (const fold of folds) {
      if (time <= fold.from) break;
      at += (fold.from - since) * scale;
      const part = Math.min(1, (time - fold.from) / (fold.to - fold.from));
      at += part * foldPart;
      since = fold.to;
      if (time < fold.to) return at;
    }
    return Math.min(1, at + Math.max(0, time - since) * scale);
  };
  return { folds, place };
}
