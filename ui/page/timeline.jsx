import { useRef, useState } from 'preact/hooks';
import { clock, duration, visible } from './format.mjs';
import { axisOf, lanesOf, stretchesOf } from './lanes.mjs';
import { Nothing, useNow } from './parts.jsx';
import { useSelected } from './router.mjs';

const WIDTH = 1000;
const LEFT = 210;
const ROW = 18;
const TOP = 22;
const STATES = [
  ['queued', 'queued'],
  ['running', 'running'],
  ['done', 'done'],
  ['failed', 'failed'],
  ['retrying', 'pause before a retry'],
  ['waiting', 'waiting'],
  ['cancelled', 'cancelled'],
];

/** Where lanes are, from above. */
function placed(lanes) {
  let y = TOP;
  return lanes.map((lane) => {
    const at = y;
    y += lane.rows * ROW + 6;
    return { ...lane, y: at, height: lane.rows * ROW };
  });
}

function Bar({ of, lane, x, selected }) {
  const [left, right] = [x(of.from), x(of.to)];
  if (right < LEFT || left > WIDTH) return null;
  const isSelected = selected === of.eventId || selected === of.endId;
  const label = `${lane.kind} ${visible(lane.name)}, ${of.state}, ${duration(of.to - of.from)}`;
  const begin = Math.max(LEFT, left);
  return (
    <a href={`#event-${of.eventId}`} aria-label={label}>
      <rect
        class={`bar ${of.state} ${isSelected ? 'selected' : ''}`}
        x={begin}
        y={lane.y + of.row * ROW}
        width={Math.max(3, Math.min(WIDTH, right) - begin)}
        height={ROW - 4}
        rx="2"
      />
      <title>{label}</title>
    </a>
  );
}

function short(text) {
  return text.length > 26 ? `${text.slice(0, 25)}…` : text;
}

function Lane({ of, x, selected }) {
  const name = `${of.kind} ${visible(of.name)}`;
  return (
    <g>
      <line class="rule" x1="0" x2={WIDTH} y1={of.y + of.height + 2} y2={of.y + of.height + 2} />
      <text x="0" y={of.y + 13}>
        {short(name)}
        <title>{name}</title>
      </text>
      {of.items.map((item) => (
        <Bar key={item.eventId} of={item} lane={of} x={x} selected={selected} />
      ))}
    </g>
  );
}

function Folds({ of, x, height }) {
  return of.map(({ from, to }) => {
    const [left, right] = [Math.max(LEFT, x(from)), Math.min(WIDTH, x(to))];
    if (right <= left) return null;
    return (
      <g key={from} class="fold">
        <rect x={left} y={TOP - 4} width={right - left} height={height - TOP} />
        <text x={(left + right) / 2} y="12" text-anchor="middle">
          {duration(to - from)}
        </text>
      </g>
    );
  });
}

/** Dragging over the lanes zooms; gives the handlers, and what is dragged over now. */
function useDrag(svg, onZoom) {
  const [drag, setDrag] = useState(null);
  const at = (event) => {
    const box = svg.current.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    return Math.min(1, Math.max(0, (x - LEFT) / (WIDTH - LEFT)));
  };
  return {
    drag,
    handlers: {
      onPointerDown: (event) => event.button === 0 && setDrag({ from: at(event), to: at(event) }),
      onPointerMove: (event) => drag && setDrag({ ...drag, to: at(event) }),
      onPointerUp: () => {
        if (drag === null) return;
        const [from, to] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
        setDrag(null);
        if (to - from > 0.01) onZoom(from, to);
      },
      onPointerLeave: () => setDrag(null),
    },
  };
}

function Legend({ states }) {
  return (
    <ul class="legend">
      {STATES.filter(([state]) => states.has(state)).map(([state, label]) => (
        <li key={state}>
          <span class={`swatch ${state}`} />
          {label}
        </li>
      ))}
    </ul>
  );
}

/** States that mean the same to who looks at the timeline. */
const SAME = { 'no-worker': 'queued', 'no-code': 'queued', finished: 'running' };

export function Timeline({ events, waits, isRunning }) {
  const selected = useSelected();
  const svg = useRef(null);
  const [view, setView] = useState([0, 1]);
  const now = useNow();
  const zoom = (from, to) => {
    const span = view[1] - view[0];
    setView([view[0] + from * span, view[0] + to * span]);
  };
  const { drag, handlers } = useDrag(svg, zoom);
  if (events.length === 0) return <Nothing>Nothing is recorded yet.</Nothing>;
  const end = isRunning ? Math.max(now, events.at(-1).at) : events.at(-1).at;
  const stretches = stretchesOf(events, waits, end).map((each) => ({
    ...each,
    state: SAME[each.state] ?? each.state,
  }));
  if (stretches.length === 0) return <Nothing>It has waited for nothing yet.</Nothing>;
  const axis = axisOf(stretches, events[0].at, end);
  const x = (time) => LEFT + ((axis.place(time) - view[0]) / (view[1] - view[0])) * (WIDTH - LEFT);
  const lanes = placed(lanesOf(stretches));
  const height = lanes.at(-1).y + lanes.at(-1).height + 10;
  const isZoomed = view[0] > 0 || view[1] < 1;
  return (
    <div class="timeline">
      <div class="buttons">
        <button type="button" onClick={() => zoom(0.25, 0.75)}>
          Zoom in
        </button>
        <button type="button" disabled={!isZoomed} onClick={() => setView([0, 1])}>
          Show all
        </button>
        <span class="note">
          {clock(events[0].at)} to {isRunning ? 'now' : clock(end)}; drag to zoom
        </span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: there is no other one within SVG. */}
      <svg
        ref={svg}
        viewBox={`0 0 ${WIDTH} ${height}`}
        role="group"
        aria-label="Timeline"
        {...handlers}
      >
        <Folds of={axis.folds} x={x} height={height} />
        {lanes.map((lane) => (
          <Lane key={lane.key} of={lane} x={x} selected={selected} />
        ))}
        {drag && (
          <rect
            class="drag"
            x={LEFT + Math.min(drag.from, drag.to) * (WIDTH - LEFT)}
            y="0"
            width={Math.abs(drag.to - drag.from) * (WIDTH - LEFT)}
            height={height}
          />
        )}
      </svg>
      <Legend states={new Set(stretches.map(({ state }) => state))} />
    </div>
  );
}
