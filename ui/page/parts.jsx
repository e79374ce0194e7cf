/** Small parts that several pages use. Texts of the store only ever become text nodes. */

import { useEffect, useState } from 'preact/hooks';
import { clock, duration, exact, visible } from './format.mjs';
import { go, href } from './router.mjs';

/** A link within the page. */
export function Link({ to, params, children, ...rest }) {
  const address = href(to, params);
  const follow = (event) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (!isPlain || event.altKey) return;
    event.preventDefault();
    go(address);
  };
  return (
    <a href={address} onClick={follow} {...rest}>
      {children}
    </a>
  );
}

export function InstanceLink({ id }) {
  return (
    <Link to="instance" params={{ id }} class="id">
      {visible(id)}
    </Link>
  );
}

/** A local time; the exact one stands above it when it is pointed at. */
export function Time({ at }) {
  return (
    <time dateTime={exact(at)} title={exact(at)}>
      {clock(at)}
    </time>
  );
}

/** The time now, anew each second. */
export function useNow() {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** How long ago, or how long until. */
export function Ago({ at }) {
  const now = useNow();
  const text = at <= now ? `${duration(now - at)} ago` : `in ${duration(at - now)}`;
  return (
    <time dateTime={exact(at)} title={exact(at)}>
      {text}
    </time>
  );
}

/** The status of an instance, with what makes it special. */
export function Status({ of }) {
  const state = of.held ? 'Held' : of.cancelling ? 'Cancelling' : of.status;
  return <span class={`status ${state.toLowerCase()}`}>{state}</span>;
}

export function Problem({ problem }) {
  if (!problem) return null;
  return (
    <p class="problem" role="alert">
      {visible(problem.message)}
    </p>
  );
}

/** What stands in the place of something that is not there yet, or not at all. */
export function Nothing({ children }) {
  return <p class="nothing">{children}</p>;
}

export function Loading({ problem }) {
  return problem ? <Problem problem={problem} /> : <p class="nothing">Loading…</p>;
}

/** Names and values, side by side. */
export function Facts({ of }) {
  const shown = of.filter(
    ([, value]) => value !== undefined && value !== null && value !== '' && value !== false,
  );
  return (
    <dl class="facts">
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A value of the application: JSON that can be folded, as text. */
export function Payload({ of, label }) {
  if (!of) return null;
  if (of.length !== undefined) {
    return (
      <div class="payload">
        <pre class="cut">{visible(of.text)}…</pre>
        <p class="note">
          The first {of.text.length} of {of.length} characters. The history as a file has all of it.
        </p>
      </div>
    );
  }
  return (
    <div class="payload">
      <Json value={JSON.parse(of.text)} name={label} isOpen />
    </div>
  );
}

const MOST_CHILDREN = 200;

function Json({ value, name, isOpen = false }) {
  const title = name === undefined ? null : <span class="key">{visible(name)}: </span>;
  if (typeof value !== 'object' || value === null) {
    const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
    return (
      <div class="leaf">
        {title}
        <span class={value === null ? 'null' : typeof value}>{visible(shown)}</span>
      </div>
    );
  }
  const entries = Object.entries(value);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <details open={isOpen && entries.length <= 20}>
      <summary>
        {title}
        <span class="size">{size}</span>
      </summary>
      {entries.slice(0, MOST_CHILDREN).map(([key, child]) => (
        <Json key={key} name={key} value={child} isOpen={isOpen && entries.length <= 5} />
      ))}
      {entries.length > MOST_CHILDREN && (
        <div class="note">and {entries.length - MOST_CHILDREN} more</div>
      )}
    </details>
  );
}

/** A failure with what caused it, and the line that threw it. */
export function Failure({ of, place }) {
  if (!of) return null;
  const failure = of.length === undefined ? JSON.parse(of.text) : null;
  if (typeof failure !== 'object' || failure === null) return <Payload of={of} label="failure" />;
  return (
    <div class="failure">
      <Cause of={failure} />
      {place && (
        <p class="place">
          at <code>{visible(place)}</code>
        </p>
      )}
    </div>
  );
}

function Cause({ of, depth = 0 }) {
  const kind = of.kind && of.kind !== 'application' ? ` (${of.kind})` : '';
  return (
    <div class="cause">
      <p>
        {depth > 0 && 'caused by '}
        <strong>
          {visible(of.name ?? 'Error')}
          {kind}
        </strong>
        {of.code !== undefined && <code> {visible(of.code)}</code>}: {visible(of.message)}
      </p>
      {of.details !== undefined && (
        <Payload of={{ text: JSON.stringify(of.details) }} label="details" />
      )}
      {of.cause && depth < 10 && <Cause of={of.cause} depth={depth + 1} />}
    </div>
  );
}
