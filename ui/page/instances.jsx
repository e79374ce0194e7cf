import { useState } from 'preact/hooks';
import { CANCEL, DELETE, RETRY, TERMINATE } from './actions.mjs';
import { useLive } from './api.mjs';
import { BulkDialog } from './dialog.jsx';
import { number } from './format.mjs';
import { Link, Loading, Nothing, Problem } from './parts.jsx';
import { go, href } from './router.mjs';
import { InstanceRows } from './rows.jsx';

const CHOICES = [
  ['status', 'Status', ['Running', 'Completed', 'Failed', 'ContinuedAsNew'], 'all'],
  [
    'failure',
    'Failure',
    [
      'application',
      'cancelled',
      'infrastructure',
      'limit',
      'nondeterminism',
      'poison',
      'terminated',
      'timeout',
    ],
    'any or none',
  ],
  ['held', 'Held', ['true', 'false'], 'or not'],
  ['orderBy', 'Order', ['oldest', 'id'], 'newest'],
];
const TEXTS = [
  ['idPrefix', 'Id begins with'],
  ['name', 'Orchestration'],
  ['version', 'Version'],
  ['parent', 'Parent'],
];
const TIMES = [
  ['createdFrom', 'Created from'],
  ['createdBefore', 'Created before'],
  ['updatedFrom', 'Updated from'],
  ['updatedBefore', 'Updated before'],
];

/** A moment as the field for one has it: local, to the minute. */
function localOf(at) {
  const date = new Date(Number(at) - new Date(Number(at)).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 16);
}

function Filters({ params }) {
  const [draft, setDraft] = useState(params);
  const set = (name, value) => setDraft((last) => ({ ...last, [name]: value }));
  const apply = (event) => {
    event.preventDefault();
    const { after, ...filter } = draft;
    go(href('instances', filter));
  };
  return (
    <form class="filters" onSubmit={apply} aria-label="Filters">
      {CHOICES.map(([name, label, choices, none]) => (
        <label key={name}>
          {label}
          <select value={draft[name] ?? ''} onChange={(e) => set(name, e.target.value)}>
            <option value="">{none}</option>
            {choices.map((choice) => (
              <option key={choice}>{choice}</option>
            ))}
          </select>
        </label>
      ))}
      {TEXTS.map(([name, label]) => (
        <label key={name}>
          {label}
          <input value={draft[name] ?? ''} onInput={(e) => set(name, e.target.value)} />
        </label>
      ))}
      {TIMES.map(([name, label]) => (
        <label key={name}>
          {label}
          <input
            type="datetime-local"
            value={draft[name] ? localOf(draft[name]) : ''}
            onChange={(e) =>
              set(name, e.target.value === '' ? '' : String(new Date(e.target.value).getTime()))
            }
          />
        </label>
      ))}
      <button type="submit" class="main">
        Filter
      </button>
      <Link to="instances">All</Link>
    </form>
  );
}

function Counts({ counts: { total, ...counts } }) {
  return (
    <ul class="counts">
      {Object.entries(counts).map(([status, count]) => (
        <li key={status}>
          <Link to="instances" params={{ status }}>
            <span class={`status ${status.toLowerCase()}`}>{status}</span> {number(count)}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Bulk({ chosen, onClear }) {
  const [action, setAction] = useState(null);
  if (chosen.size === 0 && action === null) return null;
  return (
    <fieldset class="buttons">
      <legend class="hidden">What to do with those chosen</legend>
      <span>{chosen.size} chosen</span>
      {[CANCEL, TERMINATE, RETRY, DELETE].map((each) => (
        <button key={each.name} type="button" onClick={() => setAction(each)}>
          {each.label}…
        </button>
      ))}
      <button type="button" onClick={onClear}>
        Choose none
      </button>
      {action && (
        <BulkDialog
          action={action}
          ids={[...chosen]}
          onClose={() => setAction(null)}
          onDone={() => {}}
        />
      )}
    </fieldset>
  );
}

/** A page may be empty though others follow. */
function None({ next }) {
  return (
    <Nothing>
      {next === null ? 'No instance fits.' : 'None fits so far: see the next page.'}
    </Nothing>
  );
}

export function Instances({ params, mayOperate }) {
  const { data, problem } = useLive('instances', params);
  const [chosen, setChosen] = useState(() => new Set());
  const choose = (ids, isChosen) =>
    setChosen((last) => {
      const next = new Set(last);
      for (const id of ids) isChosen ? next.add(id) : next.delete(id);
      return next;
    });
  const { after, ...filter } = params;
  return (
    <>
      <h1>Instances</h1>
      {data?.counts && <Counts counts={data.counts} />}
      <Filters key={JSON.stringify(params)} params={params} />
      {data === null ? (
        <Loading problem={problem} />
      ) : (
        <>
          <Problem problem={problem} />
          {mayOperate && <Bulk chosen={chosen} onClear={() => setChosen(new Set())} />}
          {data.instances.length === 0 ? (
            <None next={data.next} />
          ) : (
            <InstanceRows
              of={data.instances}
              chosen={chosen}
              onChoose={mayOperate ? choose : undefined}
            />
          )}
          <nav class="buttons" aria-label="More instances">
            {after && (
              <Link to="instances" params={filter}>
                First page
              </Link>
            )}
            {data.next !== null && (
              <Link to="instances" params={{ ...filter, after: data.next }}>
                Next page
              </Link>
            )}
          </nav>
        </>
      )}
    </>
  );
}
